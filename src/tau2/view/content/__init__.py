"""What the applications show, as plain data: rows, filters, blocks, and a person's turns.

Nothing here knows Textual or a terminal; the widgets in `tau2.view` draw it.
"""
