using DeepEdu.Data;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Training;

/// <summary>Training on a loader with background threads: what fails there comes out, and no thread stays.</summary>
[Collection("alone")]
public class LoaderFaultTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(10);
    private readonly Dense _model = new(2, 2, new Rng(1));

    [Fact]
    public async Task AnErrorInALoadersThreadEndsFitWithTheSample()
    {
        var trainer = New();
        var error = await Assert.ThrowsAsync<SampleException>(() => Task.Run(() => trainer.Fit(Loader(i => i == 37 ? throw new InvalidDataException("torn page") : i), 2)).WaitAsync(s_limit));
        Assert.Equal(37, error.Index);
        Assert.Contains("torn page", error.Message, StringComparison.Ordinal);
        Assert.Equal(9, trainer.Run.Step); // batches of four: 0 to 8 are whole
        NoThreadStays();
        Assert.Equal(25, trainer.Fit(Loader(i => i), 1).Epochs[0].Steps);
    }

    [Fact]
    public async Task AnErrorInACallbackOrLossEndsTheLoadersThreads()
    {
        var trainer = New(new LambdaCallback { Step = run => { if (run.Step == 3) { throw new IOException("no space"); } } });
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => Task.Run(() => trainer.Fit(Loader(i => i), 2)).WaitAsync(s_limit));
        Assert.Contains("callback LambdaCallback failed after step 3: no space", error.Message, StringComparison.Ordinal);
        NoThreadStays();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Task.Run(() => New().Fit(Loader(i => i, label: 7), 2)).WaitAsync(s_limit));
        NoThreadStays();
    }

    [Fact]
    public async Task CancellingLeavesNoThreadAndKeepsWhatWasLearnt()
    {
        using var source = new CancellationTokenSource();
        var trainer = New(new LambdaCallback { Step = run => { if (run.Step == 30) { source.Cancel(); } } });
        var history = await Task.Run(() => trainer.Fit(Loader(i => i), 5, stop: source.Token)).WaitAsync(s_limit);
        Assert.Equal((true, 1, 30), (history.Cancelled, history.Epochs.Count, trainer.Run.Step));
        NoThreadStays();
    }

    private Trainer<(Tensor X, Indices Y)> New(params Callback[] callbacks) =>
        new(_model, new Sgd(_model.Parameters()), b => _model.Forward(b.X).CrossEntropy(b.Y), new() { Callbacks = callbacks });

    private static DataLoader<(Tensor X, Indices Y)> Loader(Func<int, int> read, int label = 1)
    {
        var data = Dataset.Of(100, i => (X: new float[] { read(i), 1 }, Y: i % 2 == 0 ? 0 : label));
        return DataLoader.Of(data, new Batches(100, 4), samples => (Collate.Stack(samples, s => s.X) * 0.01f, Collate.Labels(samples, s => s.Y)), workers: 3);
    }

    // disposing a loader joins its threads: none is left when Fit has ended
    private static void NoThreadStays() => Assert.Equal(0, Prefetch<(int Batch, int[] Rows), (Tensor X, Indices Y)>.Alive);
}
