using System.Runtime.CompilerServices;
using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Data;

[Collection("alone")]
public sealed class DataLoaderTests : IDisposable
{
    // prefetchers are counted by their types
    public void Dispose() => Assert.Equal((0, 0), (Prefetch<(int, int[]), float[]>.Alive, Prefetch<(int, List<float>), float[]>.Alive));

    private static DataLoader<float[]> Loader(int workers, int ahead = 0, int samples = 101, bool shuffle = true, Func<float, float>? map = null)
    {
        var rng = new Rng(9);
        var data = Dataset.Of(samples, i => (float)i).Map(map ?? (x => x));
        return DataLoader.Of(data, new Batches(samples, 8, shuffle ? rng : null), s => s.ToArray(), workers, ahead, (x, r) => x + r.NextSingle(), rng);
    }

    private static DataLoader<float[]> Stream(int workers, bool dropLast = false, Func<int, IEnumerable<float>>? read = null)
        => DataLoader.Of(new StreamingDataset<float>(read ?? (e => Enumerable.Range(0, 101).Select(i => (float)i + e))).Shuffle(32, new Rng(4)), 8, s => s.ToArray(), dropLast, workers,
            augment: (x, r) => x + r.NextSingle(), random: new Rng(3));

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 3)]
    [InlineData(8, 40)]
    public void ThreadsChangeNothing(int workers, int ahead)
    {
        for (int epoch = 0; epoch < 3; epoch++)
        {
            Assert.Equal(Loader(0).Epoch(epoch), Loader(workers, ahead).Epoch(epoch));
            Assert.Equal(Stream(0).Epoch(epoch), Stream(workers).Epoch(epoch));
        }
        Assert.NotEqual(Loader(0).Epoch(0), Loader(0).Epoch(1));
    }

    [Fact]
    public void WhereThereAreNoThreadsTheCallerMakesTheBatches() // as in a browser
    {
        float[][] batches = [.. Loader(0).Epoch(1)], stream = [.. Stream(0).Epoch(1)];
        bool before = DeepEduOptions.HasThreads;
        DeepEduOptions.HasThreads = false;
        try
        {
            List<int> makers = [];
            Assert.Equal(batches, Loader(2, map: Told).Epoch(1));
            Assert.Equal(stream, Stream(3, read: e => Enumerable.Range(0, 101).Select(i => Told((float)i + e))).Epoch(1));
            Assert.Equal(202, makers.Count);
            Assert.All(makers, m => Assert.Equal(Environment.CurrentManagedThreadId, m));

            float Told(float x)
            {
                makers.Add(Environment.CurrentManagedThreadId);
                return x;
            }
        }
        finally { DeepEduOptions.HasThreads = before; }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void AnEpochGoesOnExactlyWhereItStopped(int workers)
    {
        foreach (var make in new Func<DataLoader<float[]>>[] { () => Loader(workers), () => Stream(workers) })
        {
            float[][] whole = [.. make().Epoch(2)];
            Assert.Equal(13, whole.Length);
            for (int cut = 0; cut <= 13; cut++)
            {
                DataLoader<float[]> first = make(), second = make();
                Assert.Equal(whole[..cut], first.Epoch(2).Take(cut));
                second.Position = cut == 0 ? new(2, 0) : first.Position;
                Assert.Equal(whole[cut..], second.Rest());
                Assert.Equal(new LoaderPosition(3, 0), second.Position);
            }
        }
    }

    [Fact]
    public void ThePositionIsSavedWithTheModel()
    {
        DataLoader<float[]> first = Loader(2), second = Loader(0);
        float[][] whole = [.. Loader(0).Epoch(1)];
        _ = first.Epoch(1).Take(5).Count();
        var state = new StateDict();
        first.SaveState(state);
        second.LoadState(state);
        Assert.Equal(new LoaderPosition(1, 5), second.Position);
        Assert.Equal(whole[5..], second.Rest());
        var other = Loader(0, samples: 200);
        Assert.Contains("an epoch had 13 batches when saved and has 25 here", Assert.Throws<InvalidDataException>(() => other.LoadState(state)).Message, StringComparison.Ordinal);
        Assert.Equal(default, other.Position);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public void AFailingSampleIsNamedAtItsTurn(int workers)
    {
        static float Fail(float x) => x == 30 ? throw new FormatException("no such grade") : x;
        int seen = 0;
        var error = Assert.Throws<SampleException>(() => { foreach (var _ in Loader(workers, shuffle: false, map: Fail).Epoch(0)) { seen++; } });
        Assert.Equal((30, 3, 3), (error.Index, error.Batch, seen));
        Assert.IsType<FormatException>(error.InnerException);
        Assert.Equal("data-loader: sample 30 (epoch 0, batch 3): no such grade", error.Message);

        static IEnumerable<float> Broken(int epoch)
        {
            for (int i = 0; i < 20; i++) { yield return i; }
            throw new IOException("the cable is out");
        }
        var stream = DataLoader.Of(new StreamingDataset<float>(Broken), 8, s => s.ToArray(), workers: workers);
        seen = 0;
        error = Assert.Throws<SampleException>(() => { foreach (var _ in stream.Epoch(0)) { seen++; } });
        Assert.Equal((20, 2, 2), (error.Index, error.Batch, seen));

        var uneven = DataLoader.Of(Dataset.Of(20, i => new float[i < 12 ? 2 : 3]), new Batches(20, 8), s => Collate.Stack(s, x => x).ToArray(), workers);
        error = Assert.Throws<SampleException>(() => uneven.Epoch(0).Count());
        Assert.Contains("batch 1 of epoch 0 (samples 8, 9, 10, 11, 12, 13, 14, 15): collate: sample 4 of the batch has 3 values, the first 2", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void CancellationEndsTheLoop(int workers)
    {
        using var stop = new CancellationTokenSource();
        int seen = 0;
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (var _ in Loader(workers, samples: 100_000).Epoch(0, stop: stop.Token))
            {
                if (++seen == 5) { stop.Cancel(); }
            }
        });
        Assert.Equal(5, seen);
    }

    [Fact]
    public void CancellationReachesASourceThatWaits()
    {
        static async IAsyncEnumerable<float> Endless([EnumeratorCancellation] CancellationToken stop = default)
        {
            yield return 1;
            await Task.Delay(Timeout.Infinite, stop);
        }
        using var stop = new CancellationTokenSource();
        var loader = DataLoader.Of(new StreamingDataset<float>(_ => Endless()), 1, s => s.ToArray(), workers: 2);
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (float[] batch in loader.Epoch(0, stop: stop.Token))
            {
                Assert.Equal([1f], batch);
                stop.Cancel();
            }
        });
    }

    [Fact]
    public void ALoopThatIsLeftEarlyLeavesNoThread()
    {
        foreach (var _ in Loader(4).Epoch(0)) { break; }
        foreach (var _ in Stream(4).Epoch(0)) { break; }
    } // Dispose counts

    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 3)]
    public void BatchesInTheMakingAreBounded(int workers, int ahead)
    {
        int made = 0, taken = 0, most = 0;
        var data = Dataset.Of(400, i => (float)i);
        var loader = DataLoader.Of(data, new Batches(400, 2), s =>
        {
            int waiting = Interlocked.Increment(ref made) - Volatile.Read(ref taken);
            lock (data) { most = Math.Max(most, waiting); }
            return s.ToArray();
        }, workers, ahead);
        foreach (var _ in loader.Epoch(0))
        {
            Interlocked.Increment(ref taken);
            if (taken % 50 == 0) { Thread.Sleep(5); } // lets the makers run as far ahead as they may
        }
        Assert.InRange(most, 1, ahead + 1); // one more between being handed out and being counted
    }

    [Fact]
    public void AStreamMayDropItsLastBatch()
    {
        Assert.Equal(13, Stream(0).Epoch(0).Count());
        Assert.Equal(12, Stream(2, dropLast: true).Epoch(0).Count());
        Assert.Empty(Stream(2, read: _ => []).Epoch(0));
        Assert.Empty(Loader(2, samples: 0).Epoch(0));
    }

    [Fact]
    public void SequencesArePaddedAndCut()
    {
        int[][] rows = [[1, 2, 3], [4], []];
        var padded = Collate.Pad(rows, r => r, padding: 9);
        Assert.Equal([1, 2, 3, 4, 9, 9, 9, 9, 9], padded.Values.ToArray());
        Assert.Equal([1f, 1, 1, 1, 0, 0, 0, 0, 0], padded.Mask.ToArray());
        Assert.Equal([3, 1, 0], padded.Lengths);
        Assert.Equal([2, 3, 4, 9, 9, 9], Collate.Pad(rows, r => r, 9, limit: 2, keep: End.Finish).Values.ToArray());
        Assert.Equal(Shape.Create([3, 5]), Collate.Pad(rows, r => r, limit: 5, toLimit: true).Values.Shape);
        float[][] steps = [[1, 2, 3, 4], [5, 6]];
        var block = Collate.Pad(steps, r => r, features: 2);
        Assert.Equal(Shape.Create([2, 2, 2]), block.Values.Shape);
        Assert.Equal([1f, 2, 3, 4, 5, 6, 0, 0], block.Values.ToArray());
        Assert.Equal([3f, 4, 5, 6], Collate.Pad(steps, r => r, 2, limit: 1, keep: End.Finish).Values.ToArray());
        Assert.Contains("not whole steps of 3", Assert.Throws<ShapeException>(() => Collate.Pad(steps, r => r, 3)).Message, StringComparison.Ordinal);
        Assert.Contains("give a limit", Assert.Throws<ArgumentException>(() => Collate.Pad(rows, r => r, toLimit: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TensorsStack()
    {
        Tensor[] parts = [Tensor.Of([1, 2], [1, 2]), Tensor.Of([1, 2], [3, 4])];
        var stacked = Collate.Stack(parts, p => p);
        Assert.Equal(Shape.Create([2, 1, 2]), stacked.Shape);
        Assert.Equal([1f, 2, 3, 4], stacked.ToArray());
        Assert.Equal([0f, 2], Collate.Values([0, 1], i => 2f * i).ToArray());
        Assert.Equal([0, 3], Collate.Labels([0, 1], i => 3 * i).ToArray());
        Assert.Contains("sample 1 of the batch is [3], the first is [2]",
            Assert.Throws<ShapeException>(() => Collate.Stack([Tensor.Of(1, 2), Tensor.Of(1, 2, 3)], p => p)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SettingsThatMakeNoSenseAreRefused()
    {
        var data = Dataset.Of(4, i => (float)i);
        Assert.Throws<ArgumentException>(() => DataLoader.Of(data, new Batches(4, 2), s => s.ToArray(), augment: (x, _) => x));
        Assert.Throws<ArgumentOutOfRangeException>(() => DataLoader.Of(data, new Batches(4, 2), s => s.ToArray(), workers: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Loader(0).Epoch(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Loader(0).Epoch(0, from: -1));
    }
}
