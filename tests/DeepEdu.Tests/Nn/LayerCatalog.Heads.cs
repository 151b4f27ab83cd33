using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

internal static partial class LayerCatalog
{
    private static Dictionary<string, Func<Layer>> Heads() => new()
    {
        ["coral"] = () => new CoralLayer(5, 4, s_rng),
        ["embedding-sparse"] = () => new Embedding(6, 3, s_rng, padding: 2, sparse: true),
        ["checkpoint"] = () => new With<Sequential>(new Sequential(new Dense(5, 7, s_rng, bias: false), new BatchNorm(7), new Relu(), new Dense(7, 2, s_rng)), (of, x) => Checkpoint.Run(of.Forward, x)),
    };
}
