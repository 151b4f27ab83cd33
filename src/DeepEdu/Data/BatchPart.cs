using System.Runtime.InteropServices;
using DeepEdu.Collectives;
using DeepEdu.Numerics;

namespace DeepEdu.Data;

/// <summary>One of the parts that a batch is cut into.</summary>
/// <typeparam name="B">A batch.</typeparam>
/// <param name="Rows">How many rows it has; without any there is nothing to do.</param>
/// <param name="Value">The part, itself a batch; null without rows.</param>
/// <param name="Check">A number that is the same in every process as long as they cut the same batch, such as a hash of its rows; 0 if there is none.</param>
public readonly record struct BatchPart<B>(int Rows, B? Value, ulong Check = 0);

/// <summary>Batches that can be cut into parts, for training in several processes: each makes its own parts alone.</summary>
/// <typeparam name="B">A batch.</typeparam>
public interface ICutBatches<B> : IBatches<B>
{
    /// <summary>Some parts of every batch of an epoch: those from .. to − 1 of the first batch, those of the second, and so on. Of n rows part i has the rows i·n/parts to (i + 1)·n/parts − 1, so that sizes
    /// differ by 1 at most, no row is left out, and none comes twice. A part without rows comes too.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="skip">How many batches to pass over.</param>
    /// <param name="parts">Into how many parts each is cut.</param>
    /// <param name="from">The first that is wanted.</param>
    /// <param name="to">The one behind the last.</param>
    IEnumerable<BatchPart<B>> Parts(int epoch, int skip, int parts, int from, int to);
}

/// <summary>How batches are cut.</summary>
internal static class BatchCut
{
    /// <summary>The rows of a part.</summary>
    public static (int From, int To) Rows(int rows, int part, int parts) => PartTree.Own(rows, part, parts);

    /// <summary>The same for the same rows in the same order.</summary>
    public static ulong Check(ReadOnlySpan<int> rows) => Fnv.Add(Fnv.Start, MemoryMarshal.Cast<int, uint>(rows));

    /// <summary>Parts of any batches that can be cut; null if these cannot.</summary>
    public static IEnumerable<BatchPart<B>>? Of<B>(IBatches<B> batches, int epoch, int skip, int parts, int from, int to) =>
        batches is ICutBatches<B> cut ? cut.Parts(epoch, skip, parts, from, to)
        : batches is IBatches<int[]> rows ? (IEnumerable<BatchPart<B>>)OfRows(rows, epoch, skip, parts, from, to)
        : null;

    /// <summary>Batches number first, first + stride, ..; of a loader no other is made.</summary>
    public static IEnumerable<B> Every<B>(IBatches<B> batches, int first, int stride) =>
        stride == 1 ? batches.Epoch(0) : batches is IStride<B> own ? own.Every(first, stride) : batches.Epoch(0).Where((_, i) => i % stride == first);

    private static IEnumerable<BatchPart<int[]>> OfRows(IBatches<int[]> batches, int epoch, int skip, int parts, int from, int to)
    {
        foreach (int[] rows in batches.Epoch(epoch, skip))
        {
            ulong check = Check(rows);
            for (int part = from; part < to; part++)
            {
                var (first, end) = Rows(rows.Length, part, parts);
                yield return end > first ? new(end - first, rows[first..end], check) : new(0, null, check);
            }
        }
    }
}

/// <summary>Batches that give every so many of the first epoch without making the others.</summary>
internal interface IStride<out B>
{
    IEnumerable<B> Every(int first, int stride);
}
