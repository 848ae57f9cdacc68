"""What people are told of an event, in 中文 and English: pure functions of the ticket's log, the same on every try.

Here belong sentences, labels, and what keeps a stranger's text a text. How a channel lays them out (MIME, HTML,
segments) belongs to the channel.
"""
