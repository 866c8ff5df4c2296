"""What happens inside a network while it looks at a picture, found without changing it.

Everything here needs PyTorch; `anypool.see.features` and `anypool.see.class_maps` are the doors.
"""
