using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Batches of samples, ready for a model, epoch after epoch. Their order and their bits depend on the seeds alone: the same with any number of background threads, or
/// none, and when training goes on from a saved <see cref="Position"/>.
/// <code>
/// var loader = DataLoader.Of(data, new Batches(data.Count, 32, rng), samples => (Collate.Stack(samples, s => s.X), Collate.Labels(samples, s => s.Y)), workers: 2);
/// foreach (var (x, y) in loader.Epoch(0)) { ... }
/// </code>
/// A sample that fails ends the epoch with a <see cref="SampleException"/> at its batch's turn. When the loop ends, for whatever reason, every thread has ended too.</summary>
/// <typeparam name="B">The batch: a tuple or record of tensors and indices.</typeparam>
public abstract class DataLoader<B> : IBatches<B>, IStateful
{
    /// <summary>Batches an epoch, where that is known beforehand.</summary>
    public abstract int? Count { get; }

    /// <summary>Where the loader stands: after the last batch that was handed out. Save it with the model; set it and call <see cref="Rest"/> to go on exactly.</summary>
    public LoaderPosition Position { get; set; }

    /// <summary>The batches of an epoch.</summary>
    /// <param name="epoch">Its number: with the seed it decides the order and every random change.</param>
    /// <param name="from">How many batches to pass over. Those of a dataset cost nothing; those of a stream are read and dropped.</param>
    /// <param name="stop">Looked at between samples; ends the loop with an <see cref="OperationCanceledException"/>.</param>
    public IEnumerable<B> Epoch(int epoch, int from = 0, CancellationToken stop = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        return Counted(epoch, from, stop);
    }

    IEnumerable<B> IBatches<B>.Epoch(int epoch, int from) => Epoch(epoch, from);

    /// <summary>What is left of the epoch at <see cref="Position"/>.</summary>
    public IEnumerable<B> Rest(CancellationToken stop = default) => Epoch(Position.Epoch, Position.Batch, stop);

    /// <inheritdoc/>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("epoch", (long)Position.Epoch).Set("batch", (long)Position.Batch).Set("batches", (long)(Count ?? -1));
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The saved loader cut its epochs into another number of batches, so that the position means something else.</exception>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        int batches = from.Int("batches");
        if (batches != (Count ?? -1)) { throw new InvalidDataException($"data-loader: an epoch had {batches} batches when saved and has {Count ?? -1} here; give the same data and batch size"); }
        Position = new(from.Int("epoch"), from.Int("batch"));
    }

    private protected abstract IEnumerable<B> Make(int epoch, int from, CancellationToken stop);

    private IEnumerable<B> Counted(int epoch, int from, CancellationToken stop)
    {
        Position = new(epoch, from);
        foreach (var batch in Make(epoch, from, stop))
        {
            Position = new(epoch, ++from);
            yield return batch;
        }
        Position = new(epoch + 1, 0);
    }
}

/// <summary>Makes loaders.</summary>
public static class DataLoader
{
    /// <summary>Batches of a dataset.</summary>
    /// <param name="data">The samples; read by several threads at once if there are workers.</param>
    /// <param name="batches">Which samples make up each batch, such as <see cref="Batches"/> or <see cref="LengthBuckets"/>.</param>
    /// <param name="collate">Makes a batch of its samples; see <see cref="Collate"/>.</param>
    /// <param name="workers">Background threads that make batches while the model works; 0, or any number in a browser, makes each when it is asked for.</param>
    /// <param name="ahead">How many batches may be ready or in the making, which bounds memory; twice the workers if 0.</param>
    /// <param name="augment">Changes a sample at random, given a stream that belongs to its place in the epoch.</param>
    /// <param name="random">Where the streams of <paramref name="augment"/> come from. One child stream is taken.</param>
    /// <exception cref="ArgumentException">Augmentation without randomness.</exception>
    public static DataLoader<B> Of<T, B>(IDataset<T> data, IBatches batches, Func<IReadOnlyList<T>, B> collate, int workers = 0, int ahead = 0,
        Func<T, Rng, T>? augment = null, Rng? random = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(batches);
        return new DatasetLoader<T, B>(data, batches, new(collate, augment, random), Crew.Of(workers, ahead));
    }

    /// <summary>Batches of a stream, cut in its order. Threads take turns at reading it; changing and collating go in parallel.</summary>
    /// <param name="data">The samples.</param>
    /// <param name="size">Samples a batch; the last batch may have fewer.</param>
    /// <param name="collate">Makes a batch of its samples; see <see cref="Collate"/>.</param>
    /// <param name="dropLast">Leaves out a last batch that is not full.</param>
    /// <param name="workers">Background threads that make batches while the model works; 0, or any number in a browser, makes each when it is asked for.</param>
    /// <param name="ahead">How many batches may be ready or in the making, which bounds memory; twice the workers if 0.</param>
    /// <param name="augment">Changes a sample at random, given a stream that belongs to its place in the epoch.</param>
    /// <param name="random">Where the streams of <paramref name="augment"/> come from. One child stream is taken.</param>
    /// <exception cref="ArgumentException">Augmentation without randomness.</exception>
    public static DataLoader<B> Of<T, B>(StreamingDataset<T> data, int size, Func<IReadOnlyList<T>, B> collate, bool dropLast = false, int workers = 0, int ahead = 0,
        Func<T, Rng, T>? augment = null, Rng? random = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        return new StreamLoader<T, B>(data, size, dropLast, new(collate, augment, random), Crew.Of(workers, ahead));
    }

    private readonly record struct Crew(int Workers, int Ahead)
    {
        public static Crew Of(int workers, int ahead)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(workers);
            ArgumentOutOfRangeException.ThrowIfNegative(ahead);
            return new(workers, ahead > 0 ? ahead : 2 * workers);
        }
    }

    /// <summary>Turns samples into a batch and says which one failed.</summary>
    private sealed class Maker<T, B>
    {
        private readonly Func<IReadOnlyList<T>, B> _collate;
        private readonly Func<T, Rng, T>? _augment;
        private readonly Rng? _random;

        public Maker(Func<IReadOnlyList<T>, B> collate, Func<T, Rng, T>? augment, Rng? random)
        {
            ArgumentNullException.ThrowIfNull(collate);
            if (augment is not null && random is null) { throw new ArgumentException("data-loader: augment needs random, or no epoch could be repeated", nameof(random)); }
            (_collate, _augment, _random) = (collate, augment, random?.Fork());
        }

        // of a part of a batch, the place of its first sample in the whole: random changes follow that
        public B Batch(int epoch, int batch, int count, Func<int, long> number, Func<int, T> read, CancellationToken stop, int place = 0)
        {
            var samples = new T[count];
            var stream = _random?.Split((ulong)epoch).Split((ulong)batch);
            for (int i = 0; i < count; i++)
            {
                stop.ThrowIfCancellationRequested();
                try
                {
                    samples[i] = read(i);
                    if (_augment is not null) { samples[i] = _augment(samples[i], stream!.Split((ulong)(place + i))); }
                }
                catch (Exception e) when (!(e is OperationCanceledException && stop.IsCancellationRequested))
                {
                    throw new SampleException($"data-loader: sample {number(i)} (epoch {epoch}, batch {batch}): {e.Message}", number(i), batch, e);
                }
            }
            try { return NullItems.Made(_collate(samples), "data-loader", "collate must give a batch"); }
            catch (Exception e)
            {
                throw new SampleException($"data-loader: batch {batch} of epoch {epoch} (samples {string.Join(", ", Enumerable.Range(0, Math.Min(8, count)).Select(number))}{(count > 8 ? ", …" : "")}): {e.Message}",
                    count > 0 ? number(0) : -1, batch, e);
            }
        }
    }

    private sealed class DatasetLoader<T, B>(IDataset<T> data, IBatches batches, Maker<T, B> maker, Crew crew) : DataLoader<B>, IShuffles, ICutBatches<B>, IStride<B>
    {
        public override int? Count => batches.Count;

        public bool Shuffles => batches is IShuffles { Shuffles: true };

        private protected override IEnumerable<B> Make(int epoch, int from, CancellationToken stop)
            => Whole(epoch, batches.Epoch(epoch).Select((rows, b) => (b, rows)).Skip(from), stop);

        public IEnumerable<B> Every(int first, int stride) => Whole(0, batches.Epoch(0).Select((rows, b) => (b, rows)).Where(job => job.b % stride == first), default);

        public IEnumerable<BatchPart<B>> Parts(int epoch, int skip, int parts, int from, int to)
            => Prefetch<(int Batch, int Place, int End, int[] Rows, ulong Check), BatchPart<B>>.Run(_ => Jobs(epoch, skip, parts, from, to),
                (job, token) => job.End == job.Place ? new(0, default, job.Check) : new(job.End - job.Place,
                    maker.Batch(epoch, job.Batch, job.End - job.Place, i => job.Rows[job.Place + i], i => data[job.Rows[job.Place + i]], token, job.Place), job.Check), crew.Workers, crew.Ahead, default);

        private IEnumerable<(int, int, int, int[], ulong)> Jobs(int epoch, int skip, int parts, int from, int to)
        {
            int batch = skip;
            foreach (int[] rows in batches.Epoch(epoch).Skip(skip))
            {
                ulong check = BatchCut.Check(rows);
                for (int part = from; part < to; part++)
                {
                    var (place, end) = BatchCut.Rows(rows.Length, part, parts);
                    yield return (batch, place, end, rows, check);
                }
                batch++;
            }
        }

        private IEnumerable<B> Whole(int epoch, IEnumerable<(int Batch, int[] Rows)> jobs, CancellationToken stop)
            => Prefetch<(int Batch, int[] Rows), B>.Run(_ => jobs,
                (job, token) => maker.Batch(epoch, job.Batch, job.Rows.Length, i => job.Rows[i], i => data[job.Rows[i]], token), crew.Workers, crew.Ahead, stop);
    }

    private sealed class StreamLoader<T, B>(StreamingDataset<T> data, int size, bool dropLast, Maker<T, B> maker, Crew crew) : DataLoader<B>, IShuffles, ICutBatches<B>
    {
        public override int? Count => null;

        public bool Shuffles => data.Shuffles;

        private protected override IEnumerable<B> Make(int epoch, int from, CancellationToken stop)
            => Prefetch<(int Batch, List<T> Samples), B>.Run(token => Cut(epoch, from, token),
                (job, token) => maker.Batch(epoch, job.Batch, job.Samples.Count, i => ((long)job.Batch * size) + i, i => job.Samples[i], token), crew.Workers, crew.Ahead, stop);

        // samples of a stream have no numbers before it is read, so each process reads all of it
        public IEnumerable<BatchPart<B>> Parts(int epoch, int skip, int parts, int from, int to)
            => Prefetch<(int Batch, int Place, int End, List<T> Samples), BatchPart<B>>.Run(
                token => from cut in Cut(epoch, skip, token)
                         from part in Enumerable.Range(@from, to - @from)
                         let rows = BatchCut.Rows(cut.Samples.Count, part, parts)
                         select (cut.Batch, rows.From, rows.To, cut.Samples),
                (job, token) => job.End == job.Place ? new(0, default) : new(job.End - job.Place,
                    maker.Batch(epoch, job.Batch, job.End - job.Place, i => ((long)job.Batch * size) + job.Place + i, i => job.Samples[job.Place + i], token, job.Place)), crew.Workers, crew.Ahead, default);

        private IEnumerable<(int Batch, List<T> Samples)> Cut(int epoch, int from, CancellationToken stop)
        {
            long number = 0;
            using var reader = data.Read(epoch, stop).GetEnumerator();
            for (int b = 0; ; b++)
            {
                List<T> samples = b < from ? [] : new(size);
                int read = 0;
                for (; read < size && Next(reader, epoch, b, number, stop); read++, number++)
                {
                    stop.ThrowIfCancellationRequested();
                    if (b >= from) { samples.Add(reader.Current); }
                }
                if (b >= from && (read == size || (read > 0 && !dropLast))) { yield return (b, samples); }
                if (read < size) { yield break; }
            }
        }

        private static bool Next(IEnumerator<T> reader, int epoch, int batch, long number, CancellationToken stop)
        {
            try { return reader.MoveNext(); }
            catch (Exception e) when (!(e is OperationCanceledException && stop.IsCancellationRequested))
            {
                throw new SampleException($"data-loader: sample {number} of the stream (epoch {epoch}, batch {batch}): {e.Message}", number, batch, e);
            }
        }
    }
}
