using DeepEdu.Tensors;

namespace DeepEdu.Data;

/// <summary>Sequences of unequal length as one rectangle.</summary>
/// <param name="Values">[n, t]: row by row, padded.</param>
/// <param name="Mask">[n, t]: 1 where there is a value, 0 where there is padding.</param>
/// <param name="Lengths">How many values each row has.</param>
public sealed record PaddedTokens(Indices Values, Tensor Mask, int[] Lengths);

/// <summary>Sequences of unequal length, of one or more features a step, as one block.</summary>
/// <param name="Values">[n, t, f]: row by row, padded with 0.</param>
/// <param name="Mask">[n, t]: 1 where there is a step, 0 where there is padding.</param>
/// <param name="Lengths">How many steps each row has.</param>
public sealed record PaddedSteps(Tensor Values, Tensor Mask, int[] Lengths);

/// <summary>Which end of a sequence.</summary>
public enum End
{
    /// <summary>The first values.</summary>
    Start,

    /// <summary>The last values.</summary>
    Finish,
}

/// <summary>Makes batches of samples: parts for the function that <see cref="DataLoader"/> takes. The tensors lie in memory of their own, whichever thread makes them.</summary>
public static class Collate
{
    /// <summary>[n, f] from n arrays of f values.</summary>
    /// <exception cref="ShapeException">Arrays of unequal length.</exception>
    public static Tensor Stack<T>(IReadOnlyList<T> samples, Func<T, float[]> part)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(part);
        return Rows(samples.Count, i => Part(part(samples[i]), i), first => [first.Length]);
    }

    /// <summary>[n, ...shape] from n tensors of one shape.</summary>
    /// <exception cref="ShapeException">Tensors of unequal shape.</exception>
    public static Tensor Stack<T>(IReadOnlyList<T> samples, Func<T, Tensor> part)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(part);
        Tensor[] parts = [.. samples.Select((s, i) => Part(part(s), i))];
        for (int i = 1; i < parts.Length; i++)
        {
            if (!parts[i].Shape.Equals(parts[0].Shape)) { throw new ShapeException("collate", $"sample {i} of the batch is {parts[i].Shape}, the first is {parts[0].Shape}; crop or pad first", parts[0].Shape, parts[i].Shape); }
        }
        return Rows(parts.Length, i => parts[i].ToArray(), _ => parts[0].Shape);
    }

    /// <summary>[n] single values.</summary>
    public static Tensor Values<T>(IReadOnlyList<T> samples, Func<T, float> part)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(part);
        return Tensor.Wrap([.. samples.Select(part)], [samples.Count]);
    }

    /// <summary>[n] labels.</summary>
    public static Indices Labels<T>(IReadOnlyList<T> samples, Func<T, int> part)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(part);
        return Indices.Wrap([.. samples.Select(part)], [samples.Count]);
    }

    /// <summary>Token sequences, padded to the longest and cut to a limit.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="part">The tokens of a sample.</param>
    /// <param name="padding">The value of padding.</param>
    /// <param name="limit">The most values a sequence keeps.</param>
    /// <param name="keep">Which values a sequence over the limit keeps.</param>
    /// <param name="toLimit">Whether to pad to the limit, not to the longest, so that all batches have one shape.</param>
    /// <exception cref="ArgumentException">Padding to no limit.</exception>
    public static PaddedTokens Pad<T>(IReadOnlyList<T> samples, Func<T, int[]> part, int padding = 0, int limit = int.MaxValue, End keep = End.Start, bool toLimit = false)
    {
        var (rows, lengths, width) = Cut(samples, part, 1, limit, keep, toLimit);
        int[] values = new int[rows.Length * width];
        values.AsSpan().Fill(padding);
        for (int i = 0; i < rows.Length; i++) { rows[i].Span.CopyTo(values.AsSpan(i * width)); }
        return new(Indices.Wrap(values, [rows.Length, width]), Mask(lengths, width), lengths);
    }

    /// <summary>Sequences of <paramref name="features"/> values a step (row-major), padded with 0 to the longest and cut to a limit.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="part">The values of a sample, step by step.</param>
    /// <param name="features">Values a step.</param>
    /// <param name="limit">The most steps a sequence keeps.</param>
    /// <param name="keep">Which steps a sequence over the limit keeps.</param>
    /// <param name="toLimit">Whether to pad to the limit, not to the longest, so that all batches have one shape.</param>
    /// <exception cref="ArgumentException">Padding to no limit.</exception>
    /// <exception cref="ShapeException">A sequence that is not whole steps.</exception>
    public static PaddedSteps Pad<T>(IReadOnlyList<T> samples, Func<T, float[]> part, int features, int limit = int.MaxValue, End keep = End.Start, bool toLimit = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(features);
        var (rows, lengths, width) = Cut(samples, part, features, limit, keep, toLimit);
        float[] values = new float[rows.Length * width * features];
        for (int i = 0; i < rows.Length; i++) { rows[i].Span.CopyTo(values.AsSpan(i * width * features)); }
        return new(Tensor.Wrap(values, [rows.Length, width, features]), Mask(lengths, width), lengths);
    }

    private static (ReadOnlyMemory<V>[] Rows, int[] Lengths, int Width) Cut<T, V>(IReadOnlyList<T> samples, Func<T, V[]> part, int features, int limit, End keep, bool toLimit)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(part);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        if (toLimit && limit == int.MaxValue) { throw new ArgumentException("collate: to pad to the limit, give a limit", nameof(limit)); }
        var rows = new ReadOnlyMemory<V>[samples.Count];
        int[] lengths = new int[rows.Length];
        int width = toLimit ? limit : 0;
        for (int i = 0; i < rows.Length; i++)
        {
            var row = Part(part(samples[i]), i);
            if (row.Length % features != 0) { throw new ShapeException("collate", $"sample {i} of the batch has {row.Length} values, which is not whole steps of {features}"); }
            int steps = row.Length / features, kept = Math.Min(steps, limit);
            rows[i] = row.AsMemory(keep == End.Start ? 0 : (steps - kept) * features, kept * features);
            width = Math.Max(width, lengths[i] = kept);
        }
        return (rows, lengths, width);
    }

    private static P Part<P>(P? part, int i) => NullItems.Made(part, "collate", $"part must give something of every sample, also of sample {i} of the batch");

    private static Tensor Mask(int[] lengths, int width)
    {
        float[] mask = new float[lengths.Length * width];
        for (int i = 0; i < lengths.Length; i++) { mask.AsSpan(i * width, lengths[i]).Fill(1); }
        return Tensor.Wrap(mask, [lengths.Length, width]);
    }

    private static Tensor Rows(int n, Func<int, float[]> row, Func<float[], Shape> shape)
    {
        if (n == 0) { throw new ShapeException("collate", "no sample, so no shape; leave out empty batches"); }
        float[] first = row(0), values = new float[n * first.Length];
        for (int i = 0; i < n; i++)
        {
            float[] one = i == 0 ? first : row(i);
            if (one.Length != first.Length) { throw new ShapeException("collate", $"sample {i} of the batch has {one.Length} values, the first {first.Length}; use Pad for sequences"); }
            one.CopyTo(values, i * first.Length);
        }
        return Tensor.Wrap(values, shape(first).Insert(0, n));
    }
}
