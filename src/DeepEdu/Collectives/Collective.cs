using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace DeepEdu.Collectives;

/// <summary>What several processes do together, made of their one exchange. Every rank calls the same in the same order.</summary>
public static class Collective
{
    /// <summary>One process by itself: nothing is sent.</summary>
    public static ICollective Alone { get; } = new Single();

    extension(ICollective group)
    {
        /// <summary>Waits until every rank has come here.</summary>
        public void Barrier()
        {
            ArgumentNullException.ThrowIfNull(group);
            Spread(group, "barrier", default);
        }

        /// <summary>Gives every rank the values of one.</summary>
        /// <param name="values">Those of <paramref name="root"/> are given; all others are written over. As many on every rank.</param>
        /// <param name="root">Whose values.</param>
        /// <exception cref="CollectiveException">As an exchange; or there are not as many values on every rank.</exception>
        public void Broadcast<T>(Span<T> values, int root = 0) where T : unmanaged
        {
            ArgumentNullException.ThrowIfNull(group);
            ArgumentOutOfRangeException.ThrowIfNegative(root);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, group.Size);
            var bytes = MemoryMarshal.AsBytes(values);
            var all = Spread(group, "broadcast", group.Rank == root ? bytes.ToArray() : default);
            ThrowUnlessAsLong(all[root].Length, bytes.Length, root);
            all[root].Span.CopyTo(bytes);
        }

        /// <summary>What each rank gives, by rank. They may differ in length.</summary>
        public T[][] Gather<T>(ReadOnlySpan<T> values) where T : unmanaged
        {
            ArgumentNullException.ThrowIfNull(group);
            return Array.ConvertAll(Spread(group, "gather", MemoryMarshal.AsBytes(values).ToArray()), m => MemoryMarshal.Cast<byte, T>(m.Span).ToArray());
        }

        /// <summary>Writes the sum over all ranks in the place of each value. Added up in a tree over ranks, so that it is the same bits everywhere and every time, whoever comes first. For a few numbers: each rank
        /// gets the values of all; gradients are summed by <c>PartSum</c>, which sends less.</summary>
        /// <exception cref="CollectiveException">As an exchange; or there are not as many values on every rank.</exception>
        public void Sum<T>(Span<T> values) where T : unmanaged, INumber<T>
        {
            ArgumentNullException.ThrowIfNull(group);
            var own = MemoryMarshal.AsBytes(values);
            var all = Spread(group, "sum", own.ToArray());
            for (int r = 0; r < all.Length; r++) { ThrowUnlessAsLong(all[r].Length, own.Length, r); }
            var tree = new PartStack<Memory<byte>>(group.Size);
            foreach (var m in all)
            {
                for (tree.Push(m); tree.TryPair(out var a, out var b); tree.Join(a)) { Add<T>(a, b); }
            }
            tree.Top.Span.CopyTo(own);
        }
    }

    private static void Add<T>(Memory<byte> a, Memory<byte> b) where T : unmanaged, INumber<T>
    {
        var sum = MemoryMarshal.Cast<byte, T>(a.Span);
        TensorPrimitives.Add(sum, MemoryMarshal.Cast<byte, T>(b.Span), sum);
    }

    private static void ThrowUnlessAsLong(int there, int here, int rank)
    {
        if (there != here) { throw new CollectiveException($"collective: rank {rank} gives {there} bytes where {here} are expected; give as many values on every rank", rank); }
    }

    /// <summary>The same message to everyone.</summary>
    internal static Memory<byte>[] Spread(ICollective group, string what, ReadOnlyMemory<byte> message)
    {
        var to = new ReadOnlyMemory<byte>[group.Size];
        Array.Fill(to, message);
        var from = new Memory<byte>[group.Size];
        group.Exchange(what, to, from);
        return from;
    }

    private sealed class Single : ICollective
    {
        public int Rank => 0;

        public int Size => 1;

        public void Exchange(string what, ReadOnlySpan<ReadOnlyMemory<byte>> to, Span<Memory<byte>> from) => from[0] = to[0].ToArray(); // the message may change, and what comes may be written

        public void Abort(string why, int rank = -1) { }

        public void Dispose() { }
    }
}
