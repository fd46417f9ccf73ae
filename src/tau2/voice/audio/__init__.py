"""Audio: formats, resampling, filters, levels and files."""
