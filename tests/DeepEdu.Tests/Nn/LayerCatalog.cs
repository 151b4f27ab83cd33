using System.Text.Json;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

/// <summary>One row a layer and option: the layer that tests/golden/layers_*.py makes with PyTorch under the same name. A family is a file here, a module there, and a method in <see cref="All"/>.</summary>
/// <remarks>To add a row: the factory here, the module there, and <c>python3 tests/golden/layers.py FAMILY</c>. It buys parameter names and shapes, forward, every gradient, buffers, five training steps
/// and the same bits twice.</remarks>
internal static partial class LayerCatalog
{
    private static readonly Rng s_rng = new(1);

    public static readonly Dictionary<string, Func<Layer>> All = Join(Basic(), Activations(), Heads(), Recurrent(), Attention(), Convolutions(), Norms(), Pools(), Others());

    /// <summary>The numbers from PyTorch, by row.</summary>
    public static readonly Dictionary<string, JsonElement> Golden = Directory.EnumerateFiles(Path.Combine(House.Repository.Root, "tests", "DeepEdu.Tests", "Golden"), "layers-*.json")
        .Order(StringComparer.Ordinal).SelectMany(f => GoldenLayers.Read(Path.GetFileName(f)).EnumerateObject()).ToDictionary(p => p.Name, p => p.Value);

    private static Dictionary<string, Func<Layer>> Join(params Dictionary<string, Func<Layer>>[] families) => families.SelectMany(f => f).ToDictionary(p => p.Key, p => p.Value);

    /// <summary>A layer called in a way of its own; its parameters are named "of.*".</summary>
    private sealed class With<T>(T of, Func<T, Tensor, Tensor> run, Func<T, Indices, Tensor>? look = null) : Layer
        where T : Module
    {
        private readonly T _of = of;

        public override Tensor Forward(Tensor x) => run(_of, x);

        public override Tensor Forward(Indices x) => look is null ? base.Forward(x) : look(_of, x);

        protected internal override void Parts(Parts p) => p.Of(_of);
    }
}
