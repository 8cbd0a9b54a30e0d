"""affekt: arousal and valence ten times a second, from the text, the sound and the picture of a recording."""
