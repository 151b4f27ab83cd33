using System.Runtime.InteropServices;

namespace DeepEdu.Gpu.Tests.Cuda;

#pragma warning disable IDE1006, CA1707 // the driver's own names

/// <content>Graphs: what a stream would have done is collected and done again, with the addresses and numbers that it had.</content>
internal static unsafe partial class DriverCalls
{
    [UnmanagedCallersOnly]
    private static int cuStreamBeginCapture_v2(nint stream, int mode)
    {
        Count(DriverFunction.cuStreamBeginCapture_v2);
        return Within(_ =>
        {
            if (Handles.Get<DriverStream>(stream) is not { Capture: null } known) { return Error(CaptureUnsupported, "stream 0 cannot capture, nor one that captures already"); }
            known.Capture = [];
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuStreamEndCapture(nint stream, nint* graph)
    {
        Count(DriverFunction.cuStreamEndCapture);
        return Within(context =>
        {
            if (Handles.Get<DriverStream>(stream) is not { Capture: { } work } known) { return Error(CaptureUnsupported, "the stream does not capture"); }
            known.Capture = null;
            *graph = Handles.New(new DriverGraph(context, work));
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuStreamIsCapturing(nint stream, int* status)
    {
        Count(DriverFunction.cuStreamIsCapturing);
        return Within(_ =>
        {
            *status = IsCapturing(stream) ? 1 : 0;
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuGraphInstantiateWithFlags(nint* exec, nint graph, ulong flags)
    {
        Count(DriverFunction.cuGraphInstantiateWithFlags);
        return Within(context =>
        {
            if (Handles.Get<DriverGraph>(graph) is not { } known) { return InvalidHandle; }
            *exec = Handles.New(new DriverGraphExec(context, [.. known.Work]));
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuGraphLaunch(nint exec, nint stream)
    {
        Count(DriverFunction.cuGraphLaunch);
        return Within(context =>
        {
            if (Handles.Get<DriverGraphExec>(exec) is not { } known || known.Context != context) { return Error(InvalidHandle, "a graph of another context"); }
            return Put(context, stream, () =>
            {
                foreach (var work in known.Work) { work(); }
            });
        });
    }

    [UnmanagedCallersOnly]
    private static int cuGraphExecDestroy(nint exec)
    {
        Count(DriverFunction.cuGraphExecDestroy);
        return Within(context =>
        {
            context.Drain();
            return Handles.Remove<DriverGraphExec>(exec) ? Success : InvalidHandle;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuGraphDestroy(nint graph)
    {
        Count(DriverFunction.cuGraphDestroy);
        return Within(_ => Handles.Remove<DriverGraph>(graph) ? Success : InvalidHandle);
    }
}
