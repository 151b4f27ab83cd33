using System.Reflection;
using System.Text.RegularExpressions;
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using Module = DeepEdu.Nn.Module;

namespace DeepEdu.Tests.Nn;

/// <summary>Every row of <see cref="LayerCatalog"/>: same weights in, PyTorch's numbers out.</summary>
public class LayerCatalogTests
{
    // a model from a file, which OnnxModelTests proves; what the "-pieces" rows make as they run
    private static readonly string[] s_elsewhere = ["OnnxModel", "Stateful"];

    public static TheoryData<string> Rows => [.. LayerCatalog.All.Keys];

    [Fact]
    public void EveryGoldenIsTested() => Assert.Equal(LayerCatalog.Golden.Keys.Order(), LayerCatalog.All.Keys.Order());

    [Fact]
    public void EveryLayerHasARowAndAPage()
    {
        HashSet<Type> inRows = [];
        foreach (var make in LayerCatalog.All.Values) { Collect(make(), inRows); }
        string pages = string.Concat(Directory.EnumerateFiles(Path.Combine(House.Repository.Root, "docs", "layers")).Select(File.ReadAllText));
        var all = typeof(Layer).Assembly.GetExportedTypes().Where(t => t.IsSubclassOf(typeof(Module)) && !t.IsAbstract).Select(t => t.Name).Order().ToList();
        Assert.NotEmpty(all);
        Assert.Equal(s_elsewhere, all.Except(inRows.Select(t => t.Name)));
        Assert.Equal([], all.Where(name => !Regex.IsMatch(pages, $@"\b{name}\b")));
    }

    // a module, and the modules that it and its parts hold
    private static void Collect(object? of, HashSet<Type> types)
    {
        if (of is System.Collections.IEnumerable list and not string) { foreach (object? item in list) { Collect(item, types); } }
        if (of is not Module || (!types.Add(of.GetType()) && of.GetType().Assembly == typeof(Layer).Assembly && of is not Sequential)) { return; }
        for (var t = of.GetType(); t is not null && t != typeof(Module); t = t.BaseType)
        {
            foreach (var field in t.GetFields(BindingFlags.Instance | BindingFlags.NonPublic)) { if (field.GetValue(of) is Module or IEnumerable<Module>) { Collect(field.GetValue(of), types); } }
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void ForwardGradientsAndNamesEqualPyTorch(string name)
    {
        var golden = LayerCatalog.Golden[name];
        var layer = GoldenLayers.Load(LayerCatalog.All[name](), golden);
        using var tape = new Tape(training: golden.GetProperty("mode").GetString() == "train");
        Tensor? x = null;
        Tensor y = golden.TryGetProperty("x", out var input) ? layer.Forward(x = tape.Watch(GoldenLayers.Tensor(input))) : layer.Forward(GoldenLayers.Indices(golden));
        GoldenLayers.Near("y", golden.GetProperty("y"), y);
        var gradients = tape.Gradients(y, GoldenLayers.Tensor(golden.GetProperty("dy")));
        if (x is not null) { GoldenLayers.Near("dx", golden.GetProperty("dx"), gradients[x]); }
        foreach (var (parameter, value) in layer.Parameters()) { GoldenLayers.Near(parameter, golden.GetProperty("gradients").GetProperty(parameter), gradients[value]); }
        foreach (var (buffer, value) in layer.Buffers()) { GoldenLayers.Near(buffer, golden.GetProperty("after").GetProperty(buffer), value); }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void FiveTrainingStepsEqualPyTorch(string name)
    {
        if (!LayerCatalog.Golden[name].TryGetProperty("steps", out var steps)) { return; }
        var golden = LayerCatalog.Golden[name];
        var layer = GoldenLayers.Load(LayerCatalog.All[name](), golden);
        var optimizer = new Sgd(layer.Parameters(), new() { LearningRate = 0.05 });
        var target = GoldenLayers.Tensor(golden.GetProperty("dy"));
        foreach (var expected in steps.GetProperty("losses").EnumerateArray())
        {
            using var tape = new Tape();
            var loss = Losses.Mse(GoldenLayers.Run(layer, golden), target);
            Assert.Equal(expected.GetSingle(), loss.Item(), 2e-5f * Math.Max(1, expected.GetSingle()));
            optimizer.Step(tape.Gradients(loss));
        }
        GoldenLayers.After(layer, steps.GetProperty("after"));
    }

    /// <summary>Fusing neighbours changes no bit of the product and no gradient beyond rounding.</summary>
    [Theory]
    [InlineData("dense-relu")]
    [InlineData("conv-relu-pool")]
    public void FusedLayersEqualSeparateOnes(string name)
    {
        var golden = LayerCatalog.Golden[name];
        var model = (Sequential)GoldenLayers.Load(LayerCatalog.All[name](), golden);
        using var tape = new Tape();
        Tensor dy = GoldenLayers.Tensor(golden.GetProperty("dy")), x = tape.Watch(GoldenLayers.Tensor(golden.GetProperty("x"))), y = x;
        var fused = model.Forward(x);
        foreach (var layer in model.Layers) { y = layer.Forward(y); }
        GoldenLayers.Close(y.ToArray(), fused.ToArray(), "y");
        Gradients one = tape.Gradients(fused, dy), two = tape.Gradients(y, dy);
        GoldenLayers.Close(two[x].ToArray(), one[x].ToArray(), "dx");
        foreach (var (parameter, value) in model.Parameters()) { GoldenLayers.Close(two[value].ToArray(), one[value].ToArray(), parameter); }
    }
}
