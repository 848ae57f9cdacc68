"""The page that a tracking link opens: one static document, the same for everybody.

What it shows it asks for itself, with the token that stands behind the `#` (`page.js`); `words.py` is all it can say.
"""
