using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static OpRow[] Recurrent =>
    [
        new("lstm", x => Flat(x[0].Lstm(x[1], x[2], x[3], x[4], x[5], x[6]))) { Big = [[37, 20, 24], [280, 24], [280, 70], [280], [280], [37, 70], [37, 70]] },
        new("gru", x => Flat(x[0].Gru(x[1], x[2], x[3], x[4], x[5]))) { Big = [[37, 20, 24], [210, 24], [210, 70], [210], [210], [37, 70]] },
        new("simple rnn", x => Flat(x[0].SimpleRnn(x[1], x[2], x[3], x[4], x[5]))) { Big = [[37, 20, 24], [70, 24], [70, 70], [70], [70], [37, 70]] },
    ];

    private static Tensor Flat(RecurrentResult r) => Tensor.Concat([r.Output.Flatten(), r.H.Flatten()]);

    private static Tensor Flat(LstmResult r) => Tensor.Concat([r.Output.Flatten(), r.H.Flatten(), r.C.Flatten()]);
}
