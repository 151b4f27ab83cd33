using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Samples that come one after another and are read anew each epoch: files larger than memory, generators. Combinations are lazy and hold one sample at a time, those
/// of <see cref="Shuffle"/> and <see cref="Window"/> aside. The same epoch must give the same samples, or a loader cannot take up where it stopped.
/// <code>
/// var lines = new StreamingDataset&lt;string&gt;(_ => File.ReadLines(path)).Filter(l => l.Length > 0).Shuffle(10_000, rng);
/// </code></summary>
public sealed class StreamingDataset<T>
{
    private const string Opened = "open must give the samples of an epoch";

    private readonly Func<int, CancellationToken, IEnumerable<T>> _open;

    private StreamingDataset(Func<int, CancellationToken, IEnumerable<T>> open, bool shuffles) => (_open, Shuffles) = (open, shuffles);

    /// <summary>A sequence that is opened anew for each epoch, whose number is given.</summary>
    public StreamingDataset(Func<int, IEnumerable<T>> open)
    {
        ArgumentNullException.ThrowIfNull(open);
        _open = (epoch, _) => NullItems.Made(open(epoch), "streaming-dataset", Opened);
    }

    /// <summary>An asynchronous sequence that is opened anew for each epoch. A loader's thread waits for it; cancellation reaches it through its token.</summary>
    public StreamingDataset(Func<int, IAsyncEnumerable<T>> open)
    {
        ArgumentNullException.ThrowIfNull(open);
        _open = (epoch, stop) => Wait(NullItems.Made(open(epoch), "streaming-dataset", Opened), stop);
    }

    /// <summary>Whether <see cref="Shuffle"/> is part of it.</summary>
    internal bool Shuffles { get; }

    /// <summary>The samples of an epoch, in order.</summary>
    public IEnumerable<T> Read(int epoch = 0, CancellationToken stop = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        return _open(epoch, stop);
    }

    /// <summary>Every sample changed.</summary>
    public StreamingDataset<R> Map<R>(Func<T, R> map)
    {
        ArgumentNullException.ThrowIfNull(map);
        return new((epoch, stop) => Read(epoch, stop).Select(map), Shuffles);
    }

    /// <summary>The samples that are wanted.</summary>
    public StreamingDataset<T> Filter(Func<T, bool> wanted)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        return new((epoch, stop) => Read(epoch, stop).Where(wanted), Shuffles);
    }

    /// <summary>These samples, then those of another.</summary>
    public StreamingDataset<T> Concat(StreamingDataset<T> other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new((epoch, stop) => Read(epoch, stop).Concat(other.Read(epoch, stop)), Shuffles || other.Shuffles);
    }

    /// <summary>At most <paramref name="count"/> samples, after the first <paramref name="skip"/>.</summary>
    public StreamingDataset<T> Take(int count, int skip = 0) => new((epoch, stop) => Read(epoch, stop).Skip(skip).Take(count), Shuffles);

    /// <summary>Runs of <paramref name="size"/> samples in a row, each run <paramref name="stride"/> after the one before; a last run that is too short is left out.</summary>
    public StreamingDataset<T[]> Window(int size, int stride = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stride);
        return new((epoch, stop) => Windows(Read(epoch, stop), size, stride), Shuffles);
    }

    /// <summary>Nearly random order in bounded memory: a buffer of <paramref name="buffer"/> samples gives a random one and takes the next in its place.
    /// The order depends on the seed and the epoch's number alone. One child stream is taken.</summary>
    public StreamingDataset<T> Shuffle(int buffer, Rng rng)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(buffer);
        ArgumentNullException.ThrowIfNull(rng);
        var own = rng.Fork();
        return new((epoch, stop) => Shuffled(Read(epoch, stop), buffer, own.Split((ulong)epoch)), true);
    }

    private static IEnumerable<T[]> Windows(IEnumerable<T> samples, int size, int stride)
    {
        Queue<T> run = new(size);
        int skip = 0;
        foreach (var sample in samples)
        {
            if (skip > 0)
            {
                skip--;
                continue;
            }
            run.Enqueue(sample);
            if (run.Count < size) { continue; }
            yield return [.. run];
            for (int k = 0; k < Math.Min(stride, size); k++) { run.Dequeue(); }
            skip = Math.Max(0, stride - size);
        }
    }

    private static IEnumerable<T> Shuffled(IEnumerable<T> samples, int size, Rng rng)
    {
        List<T> buffer = [];
        foreach (var sample in samples)
        {
            if (buffer.Count < size)
            {
                buffer.Add(sample);
                continue;
            }
            int k = rng.Next(size);
            yield return buffer[k];
            buffer[k] = sample;
        }
        for (; buffer.Count > 0; buffer.RemoveAt(buffer.Count - 1))
        {
            int k = rng.Next(buffer.Count);
            yield return buffer[k];
            buffer[k] = buffer[^1];
        }
    }

    private static IEnumerable<T> Wait(IAsyncEnumerable<T> samples, CancellationToken stop)
    {
        var reader = samples.GetAsyncEnumerator(stop);
        try
        {
            while (reader.MoveNextAsync().AsTask().GetAwaiter().GetResult()) { yield return reader.Current; }
        }
        finally { reader.DisposeAsync().AsTask().GetAwaiter().GetResult(); }
    }
}
