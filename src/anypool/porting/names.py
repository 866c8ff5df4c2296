"""How poolings are spelled: the names and arguments of every framework, as a table."""

from __future__ import annotations

from typing import NamedTuple


class Spelling(NamedTuple):
    """One name, what it means, and its arguments in order (without the array)."""

    framework: str
    name: str
    windows: str
    reduce: str
    words: tuple[str, ...]
    takes_array: bool  # a function, whose first argument is the array
    rank: int | None


def _many(
    framework: str, names: str, windows: str, reduce: str, words: str, array: bool = False,
    ranks: tuple[int, ...] = (1, 2, 3),
) -> list[Spelling]:  # fmt: skip
    """Rows for names that hold their rank, written ``#``; one row where they do not."""
    rows = []
    for name in names.split():
        for rank in ranks if "#" in name else (None,):
            own = name.replace("#", str(rank))
            rows.append(Spelling(framework, own, windows, reduce, tuple(words.split()), array,
                                 rank))  # fmt: skip
    return rows


_SLIDES = "kernel_size stride padding dilation ceil_mode"
_KERAS = "pool_size strides padding data_format name"
_TF = "ksize strides padding data_format name"
_ONNX = "kernel_shape strides pads dilations auto_pad ceil_mode"
_FLAX = "window_shape strides padding"

SPELLINGS = [
    # PyTorch: modules, then functions
    *_many("torch", "MaxPool#d", "sliding", "max",
           "kernel_size stride padding dilation return_indices ceil_mode"),
    *_many("torch", "AvgPool#d", "sliding", "mean",
           "kernel_size stride padding ceil_mode count_include_pad", ranks=(1,)),
    *_many("torch", "AvgPool#d", "sliding", "mean",
           "kernel_size stride padding ceil_mode count_include_pad divisor_override",
           ranks=(2, 3)),
    *_many("torch", "LPPool#d", "sliding", "lp", "norm_type kernel_size stride ceil_mode"),
    *_many("torch", "AdaptiveMaxPool#d", "adaptive", "max", "output_size return_indices"),
    *_many("torch", "AdaptiveAvgPool#d", "adaptive", "mean", "output_size"),
    *_many("torch", "FractionalMaxPool#d", "fractional", "max",
           "kernel_size output_size output_ratio return_indices _random_samples", ranks=(2, 3)),
    *_many("torch", "max_pool#d", "sliding", "max",
           "kernel_size stride padding dilation ceil_mode return_indices", True),
    *_many("torch", "avg_pool#d", "sliding", "mean",
           "kernel_size stride padding ceil_mode count_include_pad", True, ranks=(1,)),
    *_many("torch", "avg_pool#d", "sliding", "mean",
           "kernel_size stride padding ceil_mode count_include_pad divisor_override", True,
           ranks=(2, 3)),
    *_many("torch", "lp_pool#d", "sliding", "lp", "norm_type kernel_size stride ceil_mode", True),
    *_many("torch", "adaptive_max_pool#d", "adaptive", "max", "output_size return_indices", True),
    *_many("torch", "adaptive_avg_pool#d", "adaptive", "mean", "output_size", True),
    *_many("torch", "fractional_max_pool#d", "fractional", "max",
           "kernel_size output_size output_ratio return_indices _random_samples", True,
           ranks=(2, 3)),
    # Keras: layers by both of their names and as get_config() has them, then keras.ops
    *_many("keras", "MaxPooling#D MaxPool#D max_pooling#d", "sliding", "max", _KERAS),
    *_many("keras", "AveragePooling#D AvgPool#D average_pooling#d", "sliding", "mean", _KERAS),
    *_many("keras", "GlobalMaxPooling#D GlobalMaxPool#D global_max_pooling#d", "whole", "max",
           "data_format keepdims name"),
    *_many("keras", "GlobalAveragePooling#D GlobalAvgPool#D global_average_pooling#d", "whole",
           "mean", "data_format keepdims name"),
    *_many("keras", "AdaptiveMaxPooling#D adaptive_max_pooling#d", "adaptive", "max",
           "output_size data_format name"),
    *_many("keras", "AdaptiveAveragePooling#D adaptive_average_pooling#d", "adaptive", "mean",
           "output_size data_format name"),
    *_many("keras", "max_pool", "sliding", "max", "pool_size strides padding data_format", True),
    *_many("keras", "average_pool", "sliding", "mean", "pool_size strides padding data_format",
           True),
    *_many("keras", "adaptive_max_pool", "adaptive", "max", "output_size data_format", True),
    *_many("keras", "adaptive_average_pool", "adaptive", "mean", "output_size data_format", True),
    # TensorFlow
    *_many("tensorflow", "max_pool#d max_pool", "sliding", "max", _TF, True),
    *_many("tensorflow", "avg_pool#d avg_pool", "sliding", "mean", _TF, True),
    *_many("tensorflow", "max_pool_with_argmax", "sliding", "max",
           "ksize strides padding data_format output_dtype include_batch_in_index name", True),
    *_many("tensorflow", "pool", "sliding", "",
           "window_shape pooling_type strides padding data_format dilations name", True),
    # JAX and Flax
    *_many("jax", "reduce_window", "sliding", "",
           "init_value computation window_dimensions window_strides padding base_dilation "
           "window_dilation", True),
    *_many("flax", "max_pool", "sliding", "max", _FLAX, True),
    *_many("flax", "min_pool", "sliding", "min", _FLAX, True),
    *_many("flax", "avg_pool", "sliding", "mean", _FLAX + " count_include_pad", True),
    # ONNX
    *_many("onnx", "MaxPool", "sliding", "max", _ONNX + " storage_order"),
    *_many("onnx", "AveragePool", "sliding", "mean", _ONNX + " count_include_pad"),
    *_many("onnx", "LpPool", "sliding", "lp", _ONNX + " p"),
    *_many("onnx", "GlobalMaxPool", "whole", "max", ""),
    *_many("onnx", "GlobalAveragePool", "whole", "mean", ""),
    *_many("onnx", "GlobalLpPool", "whole", "lp", "p"),
    # anypool
    *_many("anypool", "max_pool", "sliding", "max", _SLIDES + " axes return_indices", True),
    *_many("anypool", "min_pool", "sliding", "min", _SLIDES + " axes return_indices", True),
    *_many("anypool", "avg_pool", "sliding", "mean",
           _SLIDES + " axes count_include_pad divisor_override", True),
    *_many("anypool", "sum_pool", "sliding", "sum", _SLIDES + " axes", True),
    *_many("anypool", "lp_pool", "sliding", "lp", "norm_type " + _SLIDES + " axes", True),
    *_many("anypool", "adaptive_max_pool", "adaptive", "max", "output_size axes rule", True),
    *_many("anypool", "adaptive_avg_pool", "adaptive", "mean", "output_size axes rule", True),
    *_many("anypool", "global_max_pool", "whole", "max", "keepdims axes", True),
    *_many("anypool", "global_avg_pool", "whole", "mean", "keepdims axes", True),
]  # fmt: skip

# poolings of anypool that no framework has
ONLY_OURS = (
    "gem_pool", "lse_pool", "soft_pool", "std_pool", "var_pool", "median_pool", "quantile_pool",
    "mode_pool", "topk_pool", "stochastic_pool", "any_pool", "all_pool", "pyramid_pool",
    "roi_pool", "blur_pool", "pool", "adaptive_pool", "global_pool", "fractional_max_pool",
)  # fmt: skip
# what the array is called where a function gets it by name
ARRAYS = ("x", "input", "inputs", "operand", "X")
# what stands before the dot, and whose it is; "nn" is both PyTorch's and Flax's
PREFIXES = {
    "torch": "torch", "F": "torch", "functional": "torch", "keras": "keras", "layers": "keras",
    "tf": "tensorflow", "tensorflow": "tensorflow", "lax": "jax", "jax": "jax", "flax": "flax",
    "linen": "flax", "nnx": "flax", "onnx": "onnx", "ap": "anypool", "anypool": "anypool",
}  # fmt: skip


def rows_of(name: str, framework: str | None) -> list[Spelling]:
    """The rows that a name may mean, in one framework or in any."""
    return [s for s in SPELLINGS if s.name == name and framework in (None, s.framework)]
