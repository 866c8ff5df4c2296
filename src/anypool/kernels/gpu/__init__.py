"""Pooling on a GPU, by Triton. Imported for the first CUDA tensor, and not before.

``spec`` says what a plan asks of the kernels; ``forward`` and ``backward`` are the kernels;
``names`` are the words that both share. Memory and launches belong to the front that has tensors.
"""
