"""What the architecture permits translation to use after changes: descriptors, caches, registers.

`model.TranslationModel` is the door: a pure `TranslationState` in, values out.
"""
