using DeepEdu.Attribution;
using DeepEdu.Autograd;
using DeepEdu.Data;
using DeepEdu.Io;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Privacy;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.House;

/// <summary>A function of the caller's that gives null is named, with what it must give.</summary>
public class NullFromFunctionsTests
{
    private static readonly Tensor s_x = Tensor.Of([2, 2], [1, 2, 3, 4]);
    private static readonly Dense s_model = new(2, 1, new Rng(1));
    private static readonly int[] s_two = [1, 2];

    public static TheoryData<string, Action> Functions => new()
    {
        { "saliency: the function gave null, not one number a row", () => Saliency.Of(_ => null!, s_x) },
        { "checkpoint: f must give the output of its part, not null", () => Checkpoint.Run(_ => null!, s_x) },
        { "checkpoint: f must give the output of its part, not null", () => Checkpoint.Run((Tensor[] _) => null!, [s_x]) },
        { "checkpoint: f must give the output of its part, not null", () => OnTape(w => Checkpoint.Run(_ => null!, w)) },
        { "checkpoint: f must give the output of its part, not null", () => OnTape(w => Checkpoint.Run(Once(y => y * 2), w)) },
        { "gradcheck: f must give a tensor, not null", () => GradCheck.Run(_ => null!, [s_x]) },
        { "gradcheck: f must give a tensor, not null", () => GradCheck.Check(() => null!, [("w", new Parameter([1]))]) },
        { "gradcheck: f must give a tensor, not null", () => GradCheck.Run(Of(Once(y => y * 2)), [Tensor.Ones([1])]) },
        { "hessian: f must give one value, not null", () => Hessian.Of(_ => null!, s_x) },
        { "hessian: f must give one value, not null", () => Hessian.Times(_ => null!, [s_x], [s_x]) },
        { "jacobian: f must give a tensor, not null", () => Jacobian.Of(_ => null!, s_x) },
        { "gradients: a pullback gave null for an input [2,2]", () => OnTape(w => Made(w, new(w, _ => null!))) },
        { "gradients: PullRows must give the gradient of the rows that were used, not null", () => OnTape(w => Made(w, new(w, dy => dy) { PullRows = _ => null! })) },
        { "lambda: the function must give a tensor, not null", () => new Sequential(new Lambda(_ => null!), s_model).Forward(s_x) },
        { "transformer-encoder: the function gave null as layer 0", () => _ = new TransformerEncoder(() => null!, 2) },
        { "inference-session: a result of the forward pass is null", () => _ = new InferenceSession(_ => (Tensor)null!) },
        { "inference-session: a result of the forward pass is null", () => _ = new InferenceSession(_ => (Tensor[])null!) },
        { "pool: create must give a block, not null", () => new Pool((_, _) => null!).Rent(1) },
        { "model-registry: the factory of \"a\" must give a model, not null", () => new ModelRegistry().Add("a", (_, _) => null!).Create(new() { Architecture = "a" }) },
        { "streaming-dataset: open must give the samples of an epoch, not null", () => _ = new StreamingDataset<int>((Func<int, IEnumerable<int>>)(_ => null!)).Read() },
        { "streaming-dataset: open must give the samples of an epoch, not null", () => _ = new StreamingDataset<int>((Func<int, IAsyncEnumerable<int>>)(_ => null!)).Read() },
        { "collate: part must give something of every sample, also of sample 1 of the batch, not null", () => Collate.Stack(s_two, i => i == 2 ? null! : new float[3]) },
        { "collate: part must give something of every sample, also of sample 1 of the batch, not null", () => Collate.Stack(s_two, i => i == 2 ? null! : s_x) },
        { "collate: part must give something of every sample, also of sample 1 of the batch, not null", () => Collate.Pad(s_two, i => i == 2 ? null! : new int[3]) },
        { "collate: part must give something of every sample, also of sample 1 of the batch, not null", () => Collate.Pad(s_two, i => i == 2 ? null! : new float[3], 1) },
        { "data-loader: collate must give a batch, not null", () => _ = DataLoader.Of(Dataset.Of(2, i => i), new Batches(2, 2), _ => (Tensor)null!).Epoch(0).ToList() },
        { "lbfgs: loss must give one value, not null", () => new Lbfgs(s_model.Parameters()).Step(() => null!) },
        { "sample-gradients: loss must give one value, also of sample 0, not null", () => SampleGradients.Norms(s_two, _ => null!) },
        { "private-gradients: loss must give one value, not null", () => new PrivateGradients(s_model, new PoissonBatches(2, 1, new Rng(1)), new() { ClipNorm = 1, Noise = 1, Delta = 1e-5 }, new Rng(1)).Step(new Sgd(s_model.Parameters()), s_two, _ => null!) },
        { "objective: the loss function must give one value, not null", () => Fit(_ => (Tensor)null!) },
        { "objective: the loss function must give one value, not null", () => Fit(_ => default) },
        { "trainer: EpochNumbers must give names and values, [] where there are none, not null", () => Fit(_ => s_model.Forward(s_x).Sum(), new() { EpochNumbers = _ => null! }) },
        { "predict: forward must give an entry a row, not null", () => Trainer.Predict(new Batches(2, 2), _ => null!) },
    };

    [Theory, MemberData(nameof(Functions))]
    public void IsNamedWithWhatItMustGive(string message, Action call)
    {
        var e = Assert.ThrowsAny<Exception>(call);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.IsNotType<NullReferenceException>(e.GetBaseException());
    }

    private static void OnTape(Func<Tensor, Tensor> f)
    {
        using var tape = new Tape();
        tape.Gradients(f(new Parameter([2, 2], [1, 2, 3, 4])).Sum());
    }

    // the first time f(x), and then null
    private static Func<Tensor, Tensor> Once(Func<Tensor, Tensor> f)
    {
        int calls = 0;
        return x => calls++ == 0 ? f(x) : null!;
    }

    private static Func<Tensor[], Tensor> Of(Func<Tensor, Tensor> f) => all => f(all[0]);

    private static Tensor Made(Tensor x, Edge edge)
    {
        var y = Tensor.Ones(x.Shape);
        Tape.For(x)!.Add(y, edge);
        return y;
    }

    private static void Fit(Func<int[], Objective> loss, TrainerOptions? options = null) => new Trainer(s_model, new Sgd(s_model.Parameters()), loss, options).Fit(new Batches(2, 2), 1);
}
