namespace DeepEdu.Gpu;

/// <summary>A list of work that the driver knows as one: launched by one call, after the arguments that have changed since the last time were set.</summary>
internal sealed unsafe class WorkGraph : IDisposable
{
    private readonly CudaGraphs _driver;
    private readonly CudaAnswers _answers;
    private readonly nint _context, _graph, _exec;
    private readonly nint[] _nodes;
    private readonly Work[] _items;
    private readonly byte[] _arguments;

    /// <summary>A chain: everything runs after what came before it, as on the stream.</summary>
    public WorkGraph(CudaGraphs driver, CudaAnswers answers, nint context, WorkList list)
    {
        (_driver, _answers, _context) = (driver, answers, context);
        _items = list.Items.ToArray();
        _nodes = new nint[_items.Length];
        _arguments = new byte[_items[^1].At + _items[^1].Bytes];
        nint graph, exec, before = 0;
        _answers.Check(driver.Create(&graph, 0));
        _graph = graph;
        try
        {
            for (int i = 0; i < _items.Length; i++)
            {
                ref readonly var item = ref _items[i];
                _nodes[i] = before = Add(before, item, list.Arguments(item));
                Keep(item, list.Arguments(item));
            }
            _answers.Check(driver.Instantiate(&exec, graph, 0));
            _exec = exec;
        }
        catch
        {
            _ = driver.Destroy(graph);
            throw;
        }
    }

    /// <summary>Launches it with the arguments of a list of the same kernels. Returns how many nodes had others before.</summary>
    public int Launch(WorkList list, nint stream)
    {
        int updated = 0;
        for (int i = 0; i < _items.Length; i++)
        {
            ref readonly var item = ref list.Items[i];
            byte* arguments = list.Arguments(item);
            if (Same(_items[i].What, item.What) && new ReadOnlySpan<byte>(arguments, item.Bytes).SequenceEqual(Kept(item))) { continue; }
            Set(_nodes[i], item, arguments);
            _items[i] = item;
            Keep(item, arguments);
            updated++;
        }
        _answers.Check(_driver.Launch(_exec, stream));
        return updated;
    }

    public void Dispose()
    {
        CudaAnswers.CheckGone(_driver.DestroyExec(_exec));
        CudaAnswers.CheckGone(_driver.Destroy(_graph));
    }

    // kernels are the same, so each has as many bytes at the same place
    private Span<byte> Kept(in Work item) => _arguments.AsSpan(item.At, item.Bytes);

    private void Keep(in Work item, byte* arguments) => new ReadOnlySpan<byte>(arguments, item.Bytes).CopyTo(Kept(item));

    private static bool Same(in CudaLaunch a, in CudaLaunch b) =>
        a.GridX == b.GridX && a.GridY == b.GridY && a.GridZ == b.GridZ && a.BlockX == b.BlockX && a.BlockY == b.BlockY && a.BlockZ == b.BlockZ;

    private nint Add(nint before, in Work item, byte* arguments)
    {
        nint node, bytes = item.Bytes;
        int dependencies = before == 0 ? 0 : 1;
        if (item.What.IsCopy)
        {
            var copy = Copy(item, arguments);
            _answers.Check(_driver.AddCopy(&node, _graph, &before, dependencies, &copy, _context));
            return node;
        }
        void** extra = stackalloc void*[5];
        CudaQueue.Extra(extra, arguments, &bytes);
        var kernel = Kernel(item.What, extra);
        _answers.Check(_driver.AddKernel(&node, _graph, &before, dependencies, &kernel));
        return node;
    }

    private void Set(nint node, in Work item, byte* arguments)
    {
        if (item.What.IsCopy)
        {
            var copy = Copy(item, arguments);
            _answers.Check(_driver.SetCopy(_exec, node, &copy, _context));
            return;
        }
        nint bytes = item.Bytes;
        void** extra = stackalloc void*[5];
        CudaQueue.Extra(extra, arguments, &bytes);
        var kernel = Kernel(item.What, extra);
        _answers.Check(_driver.SetKernel(_exec, node, &kernel));
    }

    private static KernelNode Kernel(in CudaLaunch how, void** extra) =>
        new() { Function = how.Function, GridX = how.GridX, GridY = how.GridY, GridZ = how.GridZ, BlockX = how.BlockX, BlockY = how.BlockY, BlockZ = how.BlockZ, Extra = extra };

    private static CopyNode Copy(in Work item, byte* arguments)
    {
        ref readonly var what = ref *(CopyWork*)arguments;
        CopyNode node = new() { ToKind = CopyNode.Device, ToDevice = what.To, Width = what.Bytes, Height = 1, Depth = 1 };
        if (item.What.Kernel == CudaLaunch.FromHost) { (node.FromKind, node.FromHost) = (CopyNode.Host, what.From); }
        else { (node.FromKind, node.FromDevice) = (CopyNode.Device, what.From); }
        return node;
    }
}
