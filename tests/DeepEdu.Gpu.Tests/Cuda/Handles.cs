using System.Runtime.InteropServices;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>Numbers that stand for the driver's objects outside of it. None is used twice, so that one that was destroyed is known for that.</summary>
internal static class Handles
{
    private const long Base = 0x00AB_0000_0000_0000;
    private static readonly List<object?> s_objects = [];

    public static nint New(object value)
    {
        lock (s_objects)
        {
            s_objects.Add(value);
            return (nint)(Base + ((s_objects.Count - 1) * 16L));
        }
    }

    /// <summary>The object, or null if there is none such.</summary>
    public static T? Get<T>(nint handle) where T : class
    {
        long at = (handle - Base) / 16;
        lock (s_objects) { return handle >= Base && at < s_objects.Count ? s_objects[(int)at] as T : null; }
    }

    /// <summary>The number of an object that has one.</summary>
    public static nint Of(object value)
    {
        lock (s_objects) { return (nint)(Base + (s_objects.IndexOf(value) * 16L)); }
    }

    public static bool Remove<T>(nint handle) where T : class
    {
        if (Get<T>(handle) is null) { return false; }
        lock (s_objects) { s_objects[(int)((handle - Base) / 16)] = null; }
        return true;
    }

    /// <summary>A context goes, and all that was made in it.</summary>
    public static void RemoveAllOf(DriverContext gone)
    {
        lock (s_objects)
        {
            foreach (ref var o in CollectionsMarshal.AsSpan(s_objects))
            {
                if (ContextOf(o) == gone) { o = null; }
            }
        }
    }

    private static DriverContext? ContextOf(object? o) => o switch
    {
        DriverContext c => c,
        DriverStream s => s.Context,
        DriverEvent e => e.Context,
        DriverModule m => m.Context,
        DriverKernel k => k.Module.Context,
        DriverGraph g => g.Context,
        DriverNode n => n.Graph.Context,
        DriverGraphExec x => x.Graph.Context,
        _ => null,
    };
}

/// <summary>A context: whose memory, modules, streams and events.</summary>
/// <param name="counts">Whether launches only count.</param>
internal sealed class DriverContext(bool counts)
{
    private static int s_last;
    private readonly Queue<Action> _queue = new();

    /// <summary>Its number in the heap, which no other context ever has: what a context leaves is freed by it.</summary>
    public int Owner { get; } = Interlocked.Increment(ref s_last);

    public bool Counts => counts;

    public bool IsAlive { get; set; } = true;

    /// <summary>What a kernel did wrong; null while nothing did.</summary>
    public KernelFault? Broken { get; set; }

    /// <summary>How much was put into the queue, and how much of it is done.</summary>
    public long Queued { get; private set; }

    /// <inheritdoc cref="Queued"/>
    public long Done { get; private set; }

    /// <summary>Puts work behind what is there. It is done when somebody waits or asks, as late as a GPU might.</summary>
    public void Put(Action work)
    {
        _queue.Enqueue(work);
        Queued++;
    }

    /// <summary>Does what was put there, up to a number.</summary>
    public void Drain(long upTo = long.MaxValue)
    {
        while (Done < upTo && _queue.TryDequeue(out var work))
        {
            Done++;
            work();
        }
    }
}

/// <summary>A place in a context's queue.</summary>
internal sealed class DriverEvent(DriverContext context)
{
    public DriverContext Context => context;

    public long At { get; set; }
}

/// <summary>A stream; all of a context work through one queue, in the order of the calls.</summary>
internal sealed class DriverStream(DriverContext context)
{
    public DriverContext Context => context;
}

/// <summary>A module: PTX.</summary>
internal sealed class DriverModule(DriverContext context, string ptx)
{
    public DriverContext Context => context;

    public string Ptx => ptx;

    public Dictionary<string, DriverKernel> Kernels { get; } = [];
}

/// <summary>A kernel of a module.</summary>
internal sealed class DriverKernel(DriverModule module, string name, int parameterBytes)
{
    public DriverModule Module => module;

    public string Name => name;

    public int ParameterBytes => parameterBytes;

    public KernelCode? Code { get; set; }
}
