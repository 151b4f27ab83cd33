using System.Runtime.InteropServices;
using DeepEdu.Autograd;
using DeepEdu.Collectives;
using DeepEdu.Devices;
using DeepEdu.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Optim;

/// <content>What processes tell each other. First, in a header, which sums over parts each has and of which parameters; then each process gets one stretch of all values from everyone, finishes the tree there, and
/// gives the stretch to all: of n values over N processes each sends 2·n·(N − 1)/N. Of tables of which few rows were used, these rows go to everyone.</content>
public sealed partial class PartSum
{
    private const int Stretch = 1 << 20; // values a process and round, which bounds memory

    private readonly byte[] _status;
    private readonly MessageWriter _header = new(), _content = new();
    private readonly List<MessageWriter> _each = [];
    private readonly ReadOnlyMemory<byte>[] _to;
    private readonly Memory<byte>[] _from;
    private Tensor? _flat;

    /// <summary>Appends what the others must know of the sums of this process.</summary>
    internal void WriteHeader(MessageWriter to)
    {
        SkipTo(Own.To);
        to.Int(_nodes.Count);
        for (int i = 0; i < _nodes.Count; i++)
        {
            var (_, end, node) = _nodes[i];
            to.Int(end);
            to.Double(node.Weight);
            for (int p = 0; p < _parameters.Length; p++) { _status[p] = (byte)(node.Has[p] ? 2 : node.Rows[p] is not null ? 1 : 0); }
            to.Values<byte>(_status);
        }
    }

    /// <summary>The average of all parts of all processes, as gradients of a tape.</summary>
    internal Gradients Average(Tape tape, Plan plan)
    {
        var gradients = new Gradients(tape, 0);
        double weight = plan.Weight();
        float scale = (float)(weight > 0 ? 1 / weight : 0);
        if (_group.Size == 1)
        {
            var all = _nodes.Top;
            for (int p = 0; p < _parameters.Length; p++)
            {
                if (all.Has[p]) { Give(gradients, p, all.Dense[p]!, scale); }
                else if (all.Rows[p] is { } rows) { Give(gradients, p, rows, scale); }
            }
            return gradients;
        }
        int length = 0;
        var places = new int[_parameters.Length];
        for (int p = 0; p < places.Length; p++)
        {
            places[p] = length;
            if (plan.Status[p] == 2) { length = checked(length + _parameters[p].Size); }
        }
        if (length > 0)
        {
            if (_flat is null || _flat.Size < length) { _flat = Tensor.Persistent([length]); }
            SumDense(plan, places, length, _flat.AsSpan()[..length]);
            for (int p = 0; p < places.Length; p++)
            {
                if (plan.Status[p] == 2) { Give(gradients, p, _flat.Alias(_parameters[p].Shape, places[p]), scale); }
            }
        }
        if (plan.Status.Contains((byte)1)) { SumRows(plan, gradients, scale); }
        return gradients;
    }

    private void Give(Gradients gradients, int p, Tensor sum, float scale)
    {
        var leaf = _parameters[p];
        sum.Device.Map(new Clip.Scale(scale), sum.View, sum.View);
        gradients.Replace(leaf, leaf.Device is CpuDevice ? sum : Tensor.Of(leaf.Shape, sum.AsSpan(), leaf.Device));
    }

    private void Give(Gradients gradients, int p, RowGradient rows, float scale) => gradients.Replace(_parameters[p], rows.With(Clip.Map(rows.Values, new Clip.Scale(scale))));

    // values of all parameters that are dense somewhere, one after the other
    private void SumDense(Plan plan, int[] places, int length, Span<float> sum)
    {
        int size = _group.Size;
        while (_each.Count < size) { _each.Add(new()); }
        for (int i = 0; i < _nodes.Count; i++)
        {
            for (int p = 0; p < places.Length; p++)
            {
                if (plan.Status[p] == 2) { Densify(_nodes[i].Value, p); }
            }
        }
        for (int start = 0; start < length; start += Stretch * size)
        {
            int count = Math.Min(length - start, Stretch * size);
            for (int r = 0; r < size; r++)
            {
                var (from, to) = PartTree.Own(count, r, size);
                _each[r].Clear();
                for (int i = 0; i < _nodes.Count; i++) { Write(_nodes[i].Value, plan, places, start + from, start + to, MemoryMarshal.Cast<byte, float>(_each[r].Room(4 * (to - from)))); }
                _to[r] = _each[r].Written;
            }
            ExchangeOthers("gradients, to sum", _each[_group.Rank]);
            var (own, end) = PartTree.Own(count, _group.Rank, size);
            _content.Clear();
            Finish(plan, places, start + own, start + end, MemoryMarshal.Cast<byte, float>(_content.Room(4 * (end - own))));
            _to.AsSpan().Fill(_content.Written);
            ExchangeOthers("gradients, summed", _content);
            for (int r = 0; r < size; r++)
            {
                var (from, to) = PartTree.Own(count, r, size);
                MemoryMarshal.Cast<byte, float>(_from[r].Span).CopyTo(sum[(start + from)..(start + to)]);
            }
        }
    }

    // what this process has for itself is not copied
    private void ExchangeOthers(string what, MessageWriter own)
    {
        _to[_group.Rank] = default;
        _group.Exchange(what, _to, _from);
        _from[_group.Rank] = MemoryMarshal.AsMemory(own.Written);
    }

    // the values from .. to − 1 of one sum; where it has none, whatever stands there is not looked at
    private void Write(Node node, Plan plan, int[] places, int from, int to, Span<float> values)
    {
        for (int p = 0; p < places.Length; p++)
        {
            if (plan.Status[p] != 2 || !node.Has[p] || !Meet(places[p], _parameters[p].Size, from, to, out int lo, out int hi)) { continue; }
            node.Dense[p]!.AsSpan()[(lo - places[p])..(hi - places[p])].CopyTo(values[(lo - from)..]);
        }
    }

    // the top of the tree over the values from .. to − 1
    private void Finish(Plan plan, int[] places, int from, int to, Span<float> sum)
    {
        int length = to - from;
        for (int p = 0; p < places.Length; p++)
        {
            if (plan.Status[p] != 2 || !Meet(places[p], _parameters[p].Size, from, to, out int lo, out int hi)) { continue; }
            plan.Tree.Clear();
            foreach (var node in plan.Nodes)
            {
                var values = node.Status[p] == 0 ? default : _from[node.Rank].Slice(4 * ((node.Place * length) + lo - from), 4 * (hi - lo));
                for (plan.Tree.Push(node.End, values); plan.Tree.TryPair(out var a, out var b);)
                {
                    if (a.Length > 0 && b.Length > 0)
                    {
                        var x = MemoryMarshal.Cast<byte, float>(a.Span);
                        TensorPrimitives.Add(x, MemoryMarshal.Cast<byte, float>(b.Span), x);
                    }
                    plan.Tree.Join(a.Length > 0 ? a : b);
                }
            }
            MemoryMarshal.Cast<byte, float>(plan.Tree.Top.Span).CopyTo(sum[(lo - from)..]);
        }
    }

    private static bool Meet(int place, int size, int from, int to, out int lo, out int hi)
    {
        (lo, hi) = (Math.Max(place, from), Math.Min(place + size, to));
        return lo < hi;
    }

    private void SumRows(Plan plan, Gradients gradients, float scale)
    {
        _content.Clear();
        for (int i = 0; i < _nodes.Count; i++)
        {
            for (int p = 0; p < _parameters.Length; p++)
            {
                if (plan.Status[p] != 1 || _nodes[i].Value.Rows[p] is not { } rows) { continue; }
                _content.Int(rows.Rows.Size);
                _content.Values(rows.Rows.Span);
                rows.Values.Device.Read(rows.Values.View, MemoryMarshal.Cast<byte, float>(_content.Room(4 * rows.Values.Size)));
            }
        }
        _to.AsSpan().Fill(_content.Written);
        _group.Exchange("rows of gradients", _to, _from);
        var trees = new PartStack<RowGradient?>[_parameters.Length];
        for (int p = 0; p < trees.Length; p++) { trees[p] = new(Parts); }
        for (int r = 0, n = 0; r < _group.Size; r++)
        {
            var content = new MessageReader(_from[r].Span);
            for (; n < plan.Nodes.Count && plan.Nodes[n].Rank == r; n++)
            {
                for (int p = 0; p < trees.Length; p++)
                {
                    if (plan.Status[p] != 1) { continue; }
                    RowGradient? rows = null;
                    if (plan.Nodes[n].Status[p] == 1)
                    {
                        var leaf = _parameters[p];
                        int count = content.Int();
                        var which = Indices.Of(content.Values<int>(count));
                        rows = new(leaf.Shape, which, Tensor.Of([count, leaf.Shape[1]], content.Values<float>(count * leaf.Shape[1]), leaf.Device));
                    }
                    for (trees[p].Push(plan.Nodes[n].End, rows); trees[p].TryPair(out var a, out var b);) { trees[p].Join(a is null ? b : b is null ? a : a.Add(b)); }
                }
            }
        }
        for (int p = 0; p < trees.Length; p++)
        {
            if (plan.Status[p] == 1) { Give(gradients, p, trees[p].Top!, scale); }
        }
    }

    /// <summary>Who has what, by the headers of all processes.</summary>
    internal sealed class Plan(PartSum of)
    {
        /// <summary>The sums over parts of all processes, in the order of their parts.</summary>
        public List<(int Rank, int Place, int End, double Weight, byte[] Status)> Nodes { get; } = [];

        /// <summary>Of each parameter: 2, a gradient; 1, rows of one; 0, none in any part.</summary>
        public byte[] Status { get; } = new byte[of._parameters.Length];

        public PartStack<Memory<byte>> Tree { get; } = new(of.Parts);

        /// <summary>Takes in the header of a rank; they come in ascending order.</summary>
        public void Read(ref MessageReader header, int rank)
        {
            for (int i = 0, n = header.Int(); i < n; i++)
            {
                int end = header.Int();
                double weight = header.Double();
                byte[] status = header.Values<byte>(Status.Length).ToArray();
                for (int p = 0; p < status.Length; p++) { Status[p] = Math.Max(Status[p], status[p]); }
                Nodes.Add((rank, i, end, weight, status));
            }
        }

        public double Weight()
        {
            var tree = new PartStack<double>(of.Parts);
            foreach (var node in Nodes)
            {
                for (tree.Push(node.End, node.Weight); tree.TryPair(out double a, out double b);) { tree.Join(a + b); }
            }
            return tree.Top;
        }
    }
}
