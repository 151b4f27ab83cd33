using System.Diagnostics.CodeAnalysis;
using DeepEdu.Lanes;
using DeepEdu.Memory;

namespace DeepEdu.Devices;

/// <summary>The CPU device's calls of a computation, in order, to be made again on the same memory: without shape rules, tensors and closures, and without allocating.
/// What is allocated meanwhile belongs to the recording and is not used for anything else.</summary>
internal sealed class Recording
{
    private const string Hint = "what it computes there would not be computed again. Keep to tensor operations, or call Forward instead of a session";
    [ThreadStatic] private static Recording? t_current;

    // how many calls there were when a block was allocated; −1 for an input
    private readonly Dictionary<Block, int> _born = new(ReferenceEqualityComparer.Instance);
    private readonly List<Block> _written = [];
    private readonly HashSet<int[]> _numbers = new(ReferenceEqualityComparer.Instance); // others each time
    private readonly List<Call> _calls = [];
    private readonly Stack<object> _layers = [];
    private Call[] _replay = [];

    /// <summary>The recording that this thread's calls go to, or null.</summary>
    public static Recording? Current => t_current;

    /// <summary>Whether layers are told apart: a sequence then runs them one by one, and says which.</summary>
    public bool TellsLayers { get; init; }

    /// <summary>What is made again.</summary>
    public IReadOnlyList<Call> Calls => _replay;

    /// <summary>Records what <paramref name="work"/> calls.</summary>
    public T Record<T>(Func<T> work)
    {
        t_current = this;
        T result;
        try { result = work(); }
        finally { t_current = null; }
        Flush();
        _numbers.Clear();
        _replay = [.. _calls];
        return result;
    }

    /// <summary>Whether this thread computes with values that nobody gave, to record or to compare: a kernel then refuses none, and gives NaN.</summary>
    [field: ThreadStatic]
    public static bool IsTrial { get; private set; }

    /// <summary>Does something as a trial.</summary>
    public static T Try<T>(Func<T> work)
    {
        bool before = IsTrial;
        IsTrial = true;
        try { return work(); }
        finally { IsTrial = before; }
    }

    /// <summary>Makes the calls again.</summary>
    public void Replay()
    {
        foreach (var call in _replay) { call.Run(); }
    }

    /// <summary>Makes a call and remembers it; calls that it makes itself are part of it.</summary>
    public void Run(Call call)
    {
        Flush();
        if (_layers.TryPeek(out object? layer)) { call.Layer = layer; }
        _calls.Add(call);
        t_current = null;
        try { call.Run(); }
        finally { t_current = this; }
    }

    /// <summary>Memory of the recording.</summary>
    public Block Allocate(int length)
    {
        var block = new CpuBlock(length, pinned: true) { IsComputed = true };
        _born[block] = _calls.Count;
        return block;
    }

    /// <summary>The block's values come from outside, new ones each time.</summary>
    public void IsInput(Block block)
    {
        _born[block] = -1;
        _written.Remove(block);
    }

    /// <summary>These whole numbers are computed, or come from outside, anew each time.</summary>
    public void Changes(int[] numbers) => _numbers.Add(numbers);

    /// <summary>The host reads whole numbers: fine if they stay the same.</summary>
    public void OnHostRead(int[] numbers)
    {
        if (_numbers.Contains(numbers)) { ThrowHost(); }
    }

    /// <summary>The host asks for a block's memory: fine while no call can have written it; what the host writes there is then written each time.</summary>
    public void OnHostAccess(Block block)
    {
        if (!_born.TryGetValue(block, out int born) || born != _calls.Count) { ThrowHost(); }
        if (!_written.Contains(block)) { _written.Add(block); }
    }

    /// <summary>The host reads values: they may be others each time.</summary>
    [DoesNotReturn]
    public static void ThrowHost() =>
        throw new InvalidOperationException($"inference-session: the forward pass takes values to the host (Item, ToArray, AsSpan, Span), and {Hint}");

    /// <summary>A parameter is updated.</summary>
    [DoesNotReturn]
    public static void ThrowUpdate() => throw new InvalidOperationException("inference-session: the forward pass updates parameters");

    private void Flush()
    {
        foreach (var block in _written) { _calls.Add(new Write(block)); }
        _written.Clear();
    }

    /// <summary>From here to <see cref="Leave"/> the calls are those of a layer.</summary>
    public void Enter(object layer) => _layers.Push(layer);

    /// <summary>The layer is through.</summary>
    public void Leave() => _layers.Pop();

    /// <summary>Whether the block was allocated meanwhile.</summary>
    public bool Owns(Block block) => _born.ContainsKey(block);

    /// <summary>Something to be done each time.</summary>
    internal abstract class Call
    {
        /// <summary>The innermost layer that makes it, if layers are told apart.</summary>
        public object? Layer { get; set; }

        public abstract void Run();

        /// <summary>Hands this call and the other recording's to what reads both.</summary>
        public virtual void Accept(ICallReader reader, Call other) => reader.Host(this, other);
    }

    internal sealed class Map<F>(F f, View x, View y) : Call where F : unmanaged, IMap
    {
        public F Formula => f;

        public View X => x;

        public View Y => y;

        public override void Run() => CpuDevice.Instance.Map(f, x, y);

        public override void Accept(ICallReader reader, Call other)
        {
            if (other is Map<F> same) { reader.Map(this, same); } else { reader.Differ(); }
        }
    }

    internal sealed class Zip<F>(F f, View a, View b, View c, View y, Broadcast how) : Call where F : unmanaged, IZip3
    {
        public F Formula => f;

        public (View A, View B, View C) Operands => (a, b, c);

        public View Y => y;

        public Broadcast How => how;

        public override void Run() => CpuDevice.ZipAll(f, a, b, c, y, how);

        public override void Accept(ICallReader reader, Call other)
        {
            if (other is Zip<F> same) { reader.Zip(this, same); } else { reader.Differ(); }
        }
    }

    internal sealed class Fold<F>(F f, View x, int outer, int n, int inner, View y) : Call where F : unmanaged, IFold
    {
        public F Formula => f;

        public View X => x;

        public View Y => y;

        public (int Outer, int N, int Inner) Sizes => (outer, n, inner);

        public override void Run() => CpuDevice.Instance.Fold(f, x, outer, n, inner, y);

        public override void Accept(ICallReader reader, Call other)
        {
            if (other is Fold<F> same) { reader.Fold(this, same); } else { reader.Differ(); }
        }
    }

    internal sealed class Launch<K>(in K kernel) : Call where K : struct, IKernel
    {
        private readonly K _kernel = kernel;

        public K Kernel => _kernel;

        public override void Run() => CpuDevice.Instance.Launch(in _kernel);

        public override void Accept(ICallReader reader, Call other)
        {
            if (other is Launch<K> same) { reader.Launch(this, same); } else { reader.Differ(); }
        }
    }

    internal sealed class Copy(View from, View to) : Call
    {
        public View From => from;

        public View To => to;

        public override void Run() => CpuDevice.Instance.Copy(from, to);

        public override void Accept(ICallReader reader, Call other)
        {
            if (other is Copy same) { reader.Copy(this, same); } else { reader.Differ(); }
        }
    }

    internal sealed class Fill(View to, float value) : Call
    {
        public View To => to;

        public float Value => value;

        public override void Run() => CpuDevice.Instance.Fill(to, value);

        public override void Accept(ICallReader reader, Call other)
        {
            if (other is Fill same) { reader.Fill(this, same); } else { reader.Differ(); }
        }
    }

    internal sealed class Write(Block block) : Call
    {
        private readonly float[] _values = ((CpuBlock)block).Span.ToArray();

        public Block Block => block;

        public float[] Values => _values;

        public override void Run() => _values.CopyTo(((CpuBlock)block).Span);

        public override void Accept(ICallReader reader, Call other)
        {
            if (other is Write same) { reader.Write(this, same); } else { reader.Differ(); }
        }
    }
}
