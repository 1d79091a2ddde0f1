"""What the explainer computes; its texts are in `pages/learn/_explainer`. Every figure comes from the studio's own
parts.

costs      tokens per call and per month, with and without instructions
compare    memory of every method on every size of model, through the studio's forecast
defaults   the studio's own limits and defaults that the texts quote
dataset    quality against quantity, and habits of good sets, checked on real examples
example    the path of one example: row, messages, rendered text, loss mask
"""
