using System.Diagnostics.CodeAnalysis;
using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Makes datasets and combines them. Combinations are lazy: a sample is computed when it is asked for.
/// <code>
/// var images = Dataset.Of(files.Length, i => Decode(files[i])).Map(Normalise).Cache();
/// </code></summary>
public static class Dataset
{
    /// <summary>The samples of a list, which is not copied.</summary>
    public static IDataset<T> Of<T>(IReadOnlyList<T> samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        return new Computed<T>(samples.Count, i => samples[i]);
    }

    /// <summary><paramref name="count"/> samples, each computed when asked for.</summary>
    public static IDataset<T> Of<T>(int count, Func<int, T> sample)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(sample);
        return new Computed<T>(count, sample);
    }

    extension<T>(IDataset<T> data)
    {
        /// <summary>Every sample changed.</summary>
        public IDataset<R> Map<R>(Func<T, R> map)
        {
            ArgumentNullException.ThrowIfNull(data);
            ArgumentNullException.ThrowIfNull(map);
            return Of(data.Count, i => map(data[i]));
        }

        /// <summary>Every sample changed, knowing its number: for random changes that belong to a sample, as in <c>Map((x, i) => Disturb(x, rng.Split((ulong)i)))</c>.</summary>
        public IDataset<R> Map<R>(Func<T, int, R> map)
        {
            ArgumentNullException.ThrowIfNull(data);
            ArgumentNullException.ThrowIfNull(map);
            return Of(data.Count, i => map(data[i], i));
        }

        /// <summary>The samples that are wanted, in their order. Looks at every sample once, now.</summary>
        public IDataset<T> Filter(Predicate<T> wanted)
        {
            ArgumentNullException.ThrowIfNull(data);
            ArgumentNullException.ThrowIfNull(wanted);
            List<int> rows = [];
            for (int i = 0; i < data.Count; i++)
            {
                if (wanted(data[i])) { rows.Add(i); }
            }
            return Of(rows.Count, i => data[rows[i]]);
        }

        /// <summary>The samples of these numbers, in this order: one part of a split.</summary>
        /// <exception cref="ArgumentOutOfRangeException">A row is not in the dataset.</exception>
        public IDataset<T> Subset(params ReadOnlySpan<int> rows)
        {
            ArgumentNullException.ThrowIfNull(data);
            int[] kept = rows.ToArray();
            foreach (int row in kept)
            {
                if ((uint)row >= (uint)data.Count) { ThrowRange(row, data.Count); }
            }
            return Of(kept.Length, i => data[kept[i]]);
        }

        /// <summary>These samples, then those of the others.</summary>
        public IDataset<T> Concat(params ReadOnlySpan<IDataset<T>> others)
        {
            ArgumentNullException.ThrowIfNull(data);
            NullItems.ThrowIfAny(others);
            IDataset<T>[] all = [data, .. others];
            int[] ends = new int[all.Length];
            int end = 0;
            for (int k = 0; k < all.Length; k++) { ends[k] = end = checked(end + all[k].Count); }
            return Of(end, i =>
            {
                int k = Array.BinarySearch(ends, i + 1);
                if (k < 0) { k = ~k; }
                while (k > 0 && ends[k - 1] == ends[k]) { k--; } // an empty dataset ends where the one before it does
                return all[k][i - (k > 0 ? ends[k - 1] : 0)];
            });
        }

        /// <summary>Runs of <paramref name="size"/> samples in a row, each run <paramref name="stride"/> after the one before; a last run that is too short is left out.</summary>
        public IDataset<T[]> Window(int size, int stride = 1)
        {
            ArgumentNullException.ThrowIfNull(data);
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stride);
            return Of(data.Count < size ? 0 : ((data.Count - size) / stride) + 1, i =>
            {
                var run = new T[size];
                for (int k = 0; k < size; k++) { run[k] = data[(i * stride) + k]; }
                return run;
            });
        }

        /// <summary>Remembers each sample once it was computed: all of them stay in memory.</summary>
        public IDataset<T> Cache()
        {
            ArgumentNullException.ThrowIfNull(data);
            return new Remembered<T>(data);
        }

        /// <summary>All samples, in order.</summary>
        public IEnumerable<T> Samples()
        {
            ArgumentNullException.ThrowIfNull(data);
            return Enumerable.Range(0, data.Count).Select(i => data[i]);
        }
    }

    private sealed class Computed<T>(int count, Func<int, T> sample) : IDataset<T>
    {
        public int Count => count;

        public T this[int index]
        {
            get
            {
                if ((uint)index >= (uint)count) { ThrowRange(index, count); }
                return sample(index);
            }
        }
    }

    private sealed class Remembered<T>(IDataset<T> data) : IDataset<T>
    {
        private sealed record Box(T Value);

        private readonly Box?[] _seen = new Box?[data.Count];

        public int Count => _seen.Length;

        public T this[int index]
        {
            get
            {
                if ((uint)index >= (uint)_seen.Length) { ThrowRange(index, _seen.Length); }
                // two threads may compute it at once; all see the one that came first
                return (Volatile.Read(ref _seen[index]) ?? Keep(index, new(data[index]))).Value;
            }
        }

        private Box Keep(int index, Box box) => Interlocked.CompareExchange(ref _seen[index], box, null) ?? box;
    }

    [DoesNotReturn]
    private static void ThrowRange(int index, int count) =>
        throw new ArgumentOutOfRangeException(null, $"dataset: sample {index} is outside {(count == 0 ? "the empty dataset" : $"0..{count - 1}")}");
}
