"""What compiled functions can hold besides plain numbers: vectors, and the memory of an array."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import models, register_model

from .numbers import Value, constant, shaped


class Vector(types.Type):
    """`lanes` numbers of one kind, held in registers."""

    def __init__(self, kind: str, lanes: int) -> None:
        self.kind, self.lanes = kind, lanes
        super().__init__(name=f"Vector({kind}, {lanes})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, shaped(kind.kind, kind.lanes))


class Memory(types.Type):
    """Where the elements of a 1-D array lie.

    Passing the array itself would count references at every call: atomic steps that cost more than
    a short row (measured: 65 instead of 22 ns).
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Memory({dtype})")


@register_model(Memory)
class _MemoryModel(models.StructModel):
    def __init__(self, manager: Any, kind: Memory) -> None:
        members = [("data", types.CPointer(kind.dtype)), ("size", types.intp)]
        super().__init__(manager, kind, members)


def pointer(
    context: Any, builder: Any, kind: Memory, memory: Value, i: Value, count: Value
) -> Value:
    """Where element i lies; with boundscheck on, `count` elements from there must be inside."""
    made = cgutils.create_struct_proxy(kind)(context, builder, value=memory)
    if context.enable_boundscheck:
        low = builder.icmp_signed("<", i, constant(i.type, 0))
        high = builder.icmp_signed(">", builder.add(i, count), made.size)
        with builder.if_then(builder.or_(low, high), likely=False):
            context.call_conv.return_user_exc(builder, IndexError, ("a kernel left its array",))
    return builder.gep(made.data, [i])


def first_lanes(builder: Any, lanes: int, count: Value) -> Value:
    """The mask of the lanes below `count`, which must not exceed `lanes`."""
    small = ir.IntType(8)
    numbers = ir.Constant(
        ir.VectorType(small, lanes), [ir.Constant(small, i) for i in range(lanes)]
    )
    return builder.icmp_unsigned("<", numbers, splat(builder, builder.trunc(count, small), lanes))


def splat(builder: Any, value: Value, lanes: int) -> Value:
    """One number in every lane."""
    if lanes == 1:
        return value
    kind = ir.VectorType(value.type, lanes)
    single = builder.insert_element(
        ir.Constant(kind, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
    )
    order = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(single, ir.Constant(kind, ir.Undefined), order)


def shuffle(builder: Any, a: Value, order: list[int]) -> Value:
    """The lanes of `a` named by `order`."""
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order)
    return builder.shuffle_vector(a, ir.Constant(a.type, ir.Undefined), lanes)


class Mask(types.Type):
    """Yes or no for each lane of a vector."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Mask({lanes})")


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Mask) -> None:
        bit = ir.IntType(1)
        shape = bit if kind.lanes == 1 else ir.VectorType(bit, kind.lanes)
        super().__init__(manager, kind, shape)
