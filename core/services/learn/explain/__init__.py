"""What the explainer computes. Every figure on that screen comes from here, through the studio's own parts.

costs      tokens per call and per month, with and without instructions
decision   whether to fine-tune, as a flow of questions
curves     drawn loss curves (from a formula, and said to be so) and the reading of any curve
compare    memory of every method on every size of model, through the studio's forecast
dataset    quality against quantity, and habits of good sets, checked on real examples
example    the way of one example: row, messages, rendered text, loss mask
"""
