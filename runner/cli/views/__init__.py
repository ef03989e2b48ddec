"""How results are shown: text, JSON and the formats made for other tools."""
