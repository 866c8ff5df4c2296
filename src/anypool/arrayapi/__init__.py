"""Arrays of any other library: those that speak the array API standard, DLPack or buffers.

What lies in CPU memory is read where it lies and pooled by NumPy's kernels; everything else by
plain operations of its own namespace. No library is imported here.
"""
