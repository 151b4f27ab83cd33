using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

internal static partial class LayerCatalog
{
    private static Dictionary<string, Func<Layer>> Heads() => new()
    {
        ["uncertainty"] = () => new With<UncertaintyWeighting>(new(TaskKind.Regression, TaskKind.Classification), (of, x) => of.Forward(x[0].Square().Mean(), x[1].Exp().Mean()).Reshape(1)),
        ["coral"] = () => new CoralLayer(5, 4, s_rng),
        ["embedding-sparse"] = () => new Embedding(6, 3, s_rng, padding: 2, sparse: true),
        ["checkpoint"] = () => new With<Sequential>(new Sequential(new Dense(5, 7, s_rng, bias: false), new BatchNorm(7), new Relu(), new Dense(7, 2, s_rng)), (of, x) => Checkpoint.Run(of.Forward, x)),
    };
}
