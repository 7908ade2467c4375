"""The one writer: rendering, merging, placing, writing back."""
