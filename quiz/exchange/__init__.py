"""Question files of other programs, in and out; everything passes through `quiz.exchange.item`."""
