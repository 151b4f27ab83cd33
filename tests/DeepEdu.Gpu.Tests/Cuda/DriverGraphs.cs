namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>A copy of a graph.</summary>
internal sealed record DriverCopy(nint To, nint From, nint Bytes, bool FromHost);

/// <summary>What a node does: a kernel with its arguments, or a copy.</summary>
internal sealed record DriverWork(DriverKernel? Kernel, Launched? Launch, DriverCopy? Copy);

/// <summary>A node of a graph: what it does, and after which others.</summary>
internal sealed record DriverNode(DriverGraph Graph, DriverNode[] After, DriverWork Work);

/// <summary>A graph.</summary>
internal sealed class DriverGraph(DriverContext context)
{
    public DriverContext Context => context;

    public List<DriverNode> Nodes { get; } = [];

    public bool IsGone { get; set; }
}

/// <summary>A graph made ready: its nodes as they were then, in an order that their dependencies allow, which need not be the one in which they were added.</summary>
internal sealed class DriverGraphExec
{
    public DriverGraphExec(DriverGraph graph)
    {
        Graph = graph;
        HashSet<DriverNode> done = [];
        List<DriverNode> left = [.. graph.Nodes];
        while (left.Count > 0)
        {
            // of those that may run, the youngest: who relies on more order than was asked for is found out
            int at = left.FindLastIndex(n => n.After.All(done.Contains));
            done.Add(left[at]);
            Order.Add(left[at]);
            Work[left[at]] = left[at].Work;
            left.RemoveAt(at);
        }
    }

    public DriverGraph Graph { get; }

    public List<DriverNode> Order { get; } = [];

    /// <summary>What the nodes do in launches to come.</summary>
    public Dictionary<DriverNode, DriverWork> Work { get; } = [];
}
