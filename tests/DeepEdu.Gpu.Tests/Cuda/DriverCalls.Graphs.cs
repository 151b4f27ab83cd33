using System.Runtime.InteropServices;

namespace DeepEdu.Gpu.Tests.Cuda;

#pragma warning disable IDE1006, CA1707 // the driver's own names

/// <content>Graphs of kernels and copies, in the forms that CUDA 11.4 has; what its documentation forbids is an error.</content>
internal static unsafe partial class DriverCalls
{
    [UnmanagedCallersOnly]
    private static int cuGraphCreate(nint* graph, uint flags)
    {
        Count(DriverFunction.cuGraphCreate);
        return Within(context =>
        {
            if (flags != 0) { return Error(InvalidValue, "the flags of a graph are 0"); }
            *graph = Handles.New(new DriverGraph(context));
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuGraphAddKernelNode(nint* node, nint graph, nint* after, nint count, KernelNode* kernel)
    {
        Count(DriverFunction.cuGraphAddKernelNode);
        return Within(context => Kernel(context, kernel, out var work) is var error and not Success ? error : Add(node, graph, after, count, work!));
    }

    [UnmanagedCallersOnly]
    private static int cuGraphAddMemcpyNode(nint* node, nint graph, nint* after, nint count, CopyNode* copy, nint owner)
    {
        Count(DriverFunction.cuGraphAddMemcpyNode);
        return Within(context => Copy(context, copy, owner, out var work) is var error and not Success ? error : Add(node, graph, after, count, work!));
    }

    [UnmanagedCallersOnly]
    private static int cuGraphInstantiateWithFlags(nint* exec, nint graph, ulong flags)
    {
        Count(DriverFunction.cuGraphInstantiateWithFlags);
        return Within(_ =>
        {
            if (Handles.Get<DriverGraph>(graph) is not { } known) { return InvalidHandle; }
            if (flags != 0) { return Error(InvalidValue, "flags of graphs are not known here"); }
            *exec = Handles.New(new DriverGraphExec(known));
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuGraphExecKernelNodeSetParams(nint exec, nint node, KernelNode* kernel)
    {
        Count(DriverFunction.cuGraphExecKernelNodeSetParams);
        return Within(context =>
        {
            int error = Find(exec, node, out var known, out var place);
            if (error != Success) { return error; }
            error = Kernel(context, kernel, out var work);
            if (error != Success) { return error; }
            if (known!.Work[place!].Kernel != work!.Kernel) { return Error(InvalidValue, "the function of a kernel node cannot be another"); }
            known.Work[place!] = work;
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuGraphExecMemcpyNodeSetParams(nint exec, nint node, CopyNode* copy, nint owner)
    {
        Count(DriverFunction.cuGraphExecMemcpyNodeSetParams);
        return Within(context =>
        {
            int error = Find(exec, node, out var known, out var place);
            if (error != Success) { return error; }
            error = Copy(context, copy, owner, out var work);
            if (error != Success) { return error; }
            if (known!.Work[place!].Copy?.FromHost != work!.Copy!.FromHost) { return Error(InvalidValue, "the memory of a copy cannot be of another kind"); }
            known.Work[place!] = work;
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuGraphLaunch(nint exec, nint stream)
    {
        Count(DriverFunction.cuGraphLaunch);
        return Within(context =>
        {
            if (Handles.Get<DriverGraphExec>(exec) is not { } known || known.Graph.Context != context) { return Error(InvalidHandle, "a graph of another context"); }
            // what is set later is for later launches
            DriverWork[] all = [.. known.Order.Select(n => known.Work[n])];
            if (context.Counts && EmulatedDriver.Record)
            {
                foreach (var work in all) { if (work.Launch is { } launch) { EmulatedDriver.Launches.Enqueue(launch); } }
            }
            return Put(context, stream, () =>
            {
                foreach (var work in all)
                {
                    if (work.Copy is { } copy) { Move(context, copy.To, copy.From, copy.Bytes); }
                    else if (!context.Counts) { Launcher.Run(work.Kernel!, work.Launch!); }
                }
            });
        });
    }

    [UnmanagedCallersOnly]
    private static int cuGraphExecDestroy(nint exec)
    {
        Count(DriverFunction.cuGraphExecDestroy);
        return Within(_ => Handles.Remove<DriverGraphExec>(exec) ? Success : InvalidHandle);
    }

    [UnmanagedCallersOnly]
    private static int cuGraphDestroy(nint graph)
    {
        Count(DriverFunction.cuGraphDestroy);
        return Within(_ =>
        {
            if (Handles.Get<DriverGraph>(graph) is not { } known) { return InvalidHandle; }
            known.IsGone = true;
            return Handles.Remove<DriverGraph>(graph) ? Success : InvalidHandle;
        });
    }

    private static int Add(nint* node, nint graph, nint* after, nint count, DriverWork work)
    {
        if (Handles.Get<DriverGraph>(graph) is not { } known) { return InvalidHandle; }
        var before = new DriverNode[(int)count];
        for (int i = 0; i < before.Length; i++)
        {
            if (Handles.Get<DriverNode>(after[i]) is not { } one || one.Graph != known) { return Error(InvalidValue, "a dependency that is no node of the graph"); }
            before[i] = one;
        }
        DriverNode made = new(known, before, work);
        known.Nodes.Add(made);
        *node = Handles.New(made);
        return Success;
    }

    private static int Find(nint exec, nint node, out DriverGraphExec? known, out DriverNode? place)
    {
        (known, place) = (Handles.Get<DriverGraphExec>(exec), Handles.Get<DriverNode>(node));
        if (known is null || place is null) { return InvalidHandle; }
        if (known.Graph.IsGone) { return Error(InvalidValue, "the graph that this one was made from is gone"); }
        return known.Work.ContainsKey(place) ? Success : Error(InvalidValue, "a node of another graph");
    }

    // arguments are taken now, not when the graph runs
    private static int Kernel(DriverContext context, KernelNode* node, out DriverWork? work)
    {
        work = null;
        int error = Prepare(context, node->Function, (node->GridX, node->GridY, node->GridZ), (node->BlockX, node->BlockY, node->BlockZ), node->SharedBytes, node->Parameters, node->Extra, true, out var kernel, out var launch);
        if (error == Success) { work = new(kernel, launch, null); }
        return error;
    }

    private static int Copy(DriverContext context, CopyNode* node, nint owner, out DriverWork? work)
    {
        work = null;
        if (Handles.Get<DriverContext>(owner) != context) { return Error(InvalidValue, "a copy of another context"); }
        if (node->Width <= 0 || node->Height != 1 || node->Depth != 1) { return Error(InvalidValue, "a copy is a row, and not empty"); }
        bool fromHost = node->FromKind == CopyNode.Host;
        nint from = fromHost ? node->FromHost : node->FromDevice;
        if (node->ToKind != CopyNode.Device || (!fromHost && node->FromKind != CopyNode.Device)) { return Error(InvalidValue, "a copy goes to the device"); }
        if (!DeviceHeap.IsDevice(node->ToDevice) || DeviceHeap.IsDevice(from) == fromHost) { return Error(InvalidValue, "memory of another kind than said"); }
        if (fromHost && !IsLocked(from, node->Width)) { return Error(InvalidValue, "a graph copies page-locked memory here"); }
        work = new(null, null, new(node->ToDevice, from, node->Width, fromHost));
        return Success;
    }
}
