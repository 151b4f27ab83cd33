using System.Numerics;

namespace DeepEdu.Collectives;

/// <summary>In which order the parts of a batch are added up: a binary tree over the parts, of which each left half is a power of two. It depends on their number alone, not on who computes which.</summary>
internal static class PartTree
{
    /// <summary>The parts of a rank: neighbours, as many as any other has, or one more.</summary>
    public static (int From, int To) Own(int parts, int rank, int size) => ((int)((long)rank * parts / size), (int)((rank + 1L) * parts / size));

    /// <summary>Where the node over parts from .. to − 1 is cut.</summary>
    public static int Middle(int from, int to) => from + (int)(BitOperations.RoundUpToPowerOf2((uint)(to - from)) / 2);

    /// <summary>Whether from .. middle − 1 and middle .. to − 1 are the halves of a node.</summary>
    public static bool AreHalves(int from, int middle, int to, int parts)
    {
        if (Middle(from, to) != middle) { return false; }
        for (int lo = 0, hi = parts; ;)
        {
            if (lo == from && hi == to) { return true; }
            int cut = hi - lo > 1 ? Middle(lo, hi) : hi;
            if (to <= cut && hi > cut) { hi = cut; }
            else if (from >= cut && lo < cut && cut < hi) { lo = cut; }
            else { return false; }
        }
    }
}

/// <summary>Sums over neighbouring parts, pushed from left to right, of which those that are halves of one node wait to be joined: at most one a level of the tree.</summary>
internal sealed class PartStack<T>(int parts)
{
    private readonly List<(int From, int To, T Value)> _nodes = [];

    public int Count => _nodes.Count;

    /// <summary>The part that comes next.</summary>
    public int Next => _nodes.Count > 0 ? _nodes[^1].To : Start;

    /// <summary>The first part.</summary>
    public int Start { get; init; }

    public (int From, int To, T Value) this[int i] => _nodes[i];

    public T Top => _nodes[^1].Value;

    public void Push(T value) => Push(Next + 1, value);

    /// <summary>A sum of the parts up to <paramref name="to"/>.</summary>
    public void Push(int to, T value) => _nodes.Add((Next, to, value));

    /// <summary>Whether the part that comes next is the other half of the last one pushed.</summary>
    public bool IsPair => _nodes.Count > 0 && _nodes[^1] is var top && top.To == top.From + 1 && PartTree.AreHalves(top.From, top.To, top.To + 1, parts);

    /// <summary>The last two, where they are the halves of one node; then <see cref="Join"/> them.</summary>
    public bool TryPair(out T a, out T b)
    {
        (a, b) = (default!, default!);
        if (_nodes.Count < 2) { return false; }
        var (x, y) = (_nodes[^2], _nodes[^1]);
        (a, b) = (x.Value, y.Value);
        return PartTree.AreHalves(x.From, x.To, y.To, parts);
    }

    /// <summary>Puts their sum in the place of the last two.</summary>
    public void Join(T sum)
    {
        var (from, to) = (_nodes[^2].From, _nodes[^1].To);
        _nodes.RemoveRange(_nodes.Count - 2, 2);
        _nodes.Add((from, to, sum));
    }

    /// <summary>The last one pushed takes in one part more.</summary>
    public void Widen() => _nodes[^1] = (_nodes[^1].From, _nodes[^1].To + 1, _nodes[^1].Value);

    public void Clear() => _nodes.Clear();
}
