import torch

from ops import row


def lstm(x, wi, wh, bi, bh, h0, c0):
    # layers, dropout, training, bidirectional and batch_first follow the weights
    y, h, c = torch.lstm(x, (h0[None], c0[None]), [wi, wh, bi, bh], True, 1, 0.0, False, False, True)
    return torch.cat([y.flatten(), h.flatten(), c.flatten()])


def shapes(batch, steps, inputs, hidden):
    return [(batch, steps, inputs), (4 * hidden, inputs), (4 * hidden, hidden), (4 * hidden,), (4 * hidden,), (batch, hidden), (batch, hidden)]


row("lstm", lstm, shapes(3, 4, 2, 5), shapes(13, 3, 3, 17), shapes(1, 6, 2, 3), low=-1, high=1)


def gru(x, wi, wh, bi, bh, h0):
    y, h = torch.gru(x, h0[None], [wi, wh, bi, bh], True, 1, 0.0, False, False, True)
    return torch.cat([y.flatten(), h.flatten()])


def rnn(x, wi, wh, bi, bh, h0):
    y, h = torch.rnn_tanh(x, h0[None], [wi, wh, bi, bh], True, 1, 0.0, False, False, True)
    return torch.cat([y.flatten(), h.flatten()])


def fewer(gates, batch, steps, inputs, hidden):
    return [(batch, steps, inputs), (gates * hidden, inputs), (gates * hidden, hidden), (gates * hidden,), (gates * hidden,), (batch, hidden)]


row("gru", gru, fewer(3, 3, 4, 2, 5), fewer(3, 13, 3, 3, 17), low=-1, high=1)
row("simple rnn", rnn, fewer(1, 3, 4, 2, 5), fewer(1, 13, 3, 3, 17), low=-1, high=1)
