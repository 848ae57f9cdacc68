"""kill -9 under load, and the verdict from outside: what was promised must hold, whatever was killed when.

`outside/` and `check.py` know the center by its documents only and import no product code; `scenes.py` starts what is
to be killed.
"""
