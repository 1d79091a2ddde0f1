"""What the studio knows. Imports no streamlit, and no torch or transformers at module level."""
