using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu.Tests.Cuda;

#pragma warning disable IDE1006, CA1707 // the driver's own names

/// <content>Streams, events, modules and launches. Work waits in the context's queue until somebody waits for it or asks how far it is, so that errors show late, as they do on a GPU.</content>
internal static unsafe partial class DriverCalls
{
    // of a kernel, before PTX 8.1 and compute capability 7.0
    private const int MostParameters = 4096;

    // stream 0 is the context's own
    private static int Put(DriverContext context, nint stream, Action work)
    {
        if (stream != 0)
        {
            if (Handles.Get<DriverStream>(stream) is not { } known || known.Context != context) { return Error(InvalidHandle, "a stream that is not of the current context"); }
        }
        if (context.Counts) { work(); }
        else { context.Put(work); }
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int cuStreamCreate(nint* stream, int flags) => NewStream(DriverFunction.cuStreamCreate, stream);

    [UnmanagedCallersOnly]
    private static int cuStreamCreateWithPriority(nint* stream, int flags, int priority) => NewStream(DriverFunction.cuStreamCreateWithPriority, stream);

    private static int NewStream(DriverFunction f, nint* stream)
    {
        Count(f);
        return Within(context =>
        {
            *stream = Handles.New(new DriverStream(context));
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuStreamDestroy_v2(nint stream)
    {
        Count(DriverFunction.cuStreamDestroy_v2);
        return Within(_ => Handles.Remove<DriverStream>(stream) ? Success : InvalidHandle);
    }

    [UnmanagedCallersOnly]
    private static int cuStreamSynchronize(nint stream)
    {
        Count(DriverFunction.cuStreamSynchronize);
        return Within(context =>
        {
            context.Drain();
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuEventCreate(nint* made, int flags)
    {
        Count(DriverFunction.cuEventCreate);
        return Within(context =>
        {
            *made = Handles.New(new DriverEvent(context));
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuEventDestroy_v2(nint gone)
    {
        Count(DriverFunction.cuEventDestroy_v2);
        return Within(_ => Handles.Remove<DriverEvent>(gone) ? Success : InvalidHandle);
    }

    [UnmanagedCallersOnly]
    private static int cuEventRecord(nint mark, nint stream)
    {
        Count(DriverFunction.cuEventRecord);
        return Within(context =>
        {
            if (Handles.Get<DriverEvent>(mark) is not { } known || known.Context != context) { return Error(InvalidHandle, "an event of another context"); }
            int error = Put(context, stream, static () => { });
            known.At = context.Queued;
            return error;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuEventQuery(nint mark)
    {
        Count(DriverFunction.cuEventQuery);
        return Within(_ =>
        {
            if (Handles.Get<DriverEvent>(mark) is not { } known) { return InvalidHandle; }
            if (known.Context.Done >= known.At) { return Success; }
            known.Context.Drain(known.Context.Done + 1); // asking gives the device time for one more thing
            return NotReady;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuEventSynchronize(nint mark)
    {
        Count(DriverFunction.cuEventSynchronize);
        return Within(_ =>
        {
            if (Handles.Get<DriverEvent>(mark) is not { } known) { return InvalidHandle; }
            known.Context.Drain(known.At);
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuEventElapsedTime(float* milliseconds, nint start, nint end)
    {
        Count(DriverFunction.cuEventElapsedTime);
        *milliseconds = 0;
        return Error(InvalidValue, "an emulated device has no time");
    }

    [UnmanagedCallersOnly]
    private static int cuModuleLoadData(nint* module, byte* ptx)
    {
        Count(DriverFunction.cuModuleLoadData);
        return LoadModule(module, ptx, out _);
    }

    [UnmanagedCallersOnly]
    private static int cuModuleLoadDataEx(nint* module, byte* ptx, int options, int* kinds, void** values)
    {
        Count(DriverFunction.cuModuleLoadDataEx);
        int error = LoadModule(module, ptx, out string log);
        const int ErrorLog = 5, ErrorLogBytes = 6;
        byte* buffer = null;
        long bytes = 0;
        for (int i = 0; i < options; i++)
        {
            if (kinds[i] == ErrorLog) { buffer = (byte*)values[i]; }
            if (kinds[i] == ErrorLogBytes) { bytes = (long)values[i]; }
        }
        if (buffer is not null && bytes > 0)
        {
            var target = new Span<byte>(buffer, (int)bytes);
            target.Clear();
            Encoding.ASCII.GetBytes(log.AsSpan(0, Math.Min(log.Length, (int)bytes - 1)), target);
        }
        return error;
    }

    private static int LoadModule(nint* module, byte* ptx, out string log)
    {
        string text = Marshal.PtrToStringUTF8((nint)ptx)!, why = "";
        int result = Within(context =>
        {
            DriverModule made = new(context, text);
            foreach (Match entry in Entry().Matches(text)) { made.Kernels[entry.Groups[1].Value] = new(made, entry.Groups[1].Value, ParameterBytes(entry.Groups[2].Value)); }
            if (!context.Counts)
            {
                // what cannot be read is known now, as with a driver
                foreach (var kernel in made.Kernels.Values)
                {
                    try { kernel.Code = KernelCode.Of(text, kernel.Name); }
                    catch (FormatException e)
                    {
                        why = e.Message;
                        return Error(InvalidPtx, why);
                    }
                }
            }
            *module = Handles.New(made);
            return Success;
        });
        log = why;
        return result;
    }

    // parameters lie one behind the other, each on its alignment
    private static int ParameterBytes(string list)
    {
        int at = 0;
        foreach (Match p in Parameter().Matches(list))
        {
            int size = int.Parse(p.Groups["bits"].Value) / 8, align = p.Groups["align"].Success ? int.Parse(p.Groups["align"].Value) : size;
            at = ((at + align - 1) / align * align) + (size * (p.Groups["count"].Success ? int.Parse(p.Groups["count"].Value) : 1));
        }
        return at;
    }

    [GeneratedRegex(@"\.entry\s+([\w$]+)\s*\(([^)]*)\)")]
    private static partial Regex Entry();

    [GeneratedRegex(@"\.param\s+(\.align\s+(?<align>\d+)\s+)?\.[a-z](?<bits>\d+)\s+[\w$]+(\[(?<count>\d+)\])?")]
    private static partial Regex Parameter();

    [UnmanagedCallersOnly]
    private static int cuModuleUnload(nint module)
    {
        Count(DriverFunction.cuModuleUnload);
        return Within(context =>
        {
            context.Drain();
            return Handles.Remove<DriverModule>(module) ? Success : InvalidHandle;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuModuleGetFunction(nint* function, nint module, byte* name)
    {
        Count(DriverFunction.cuModuleGetFunction);
        string wanted = Marshal.PtrToStringUTF8((nint)name)!;
        return Within(context =>
        {
            if (Handles.Get<DriverModule>(module) is not { } known) { return InvalidHandle; }
            if (!known.Kernels.TryGetValue(wanted, out var kernel)) { return Error(NotFound, wanted); }
            *function = Handles.New(kernel);
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuLaunchKernel(nint function, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int sharedBytes, nint stream, void** parameters, void** extra)
    {
        Count(DriverFunction.cuLaunchKernel);
        if (t_current is not { IsAlive: true } context) { return Error(InvalidContext, "no context is current on this thread"); }
        lock (context)
        {
            if (context.Broken is { } fault) { return Error(fault.Error, fault.Message); }
            bool runs = !context.Counts, notes = context.Counts && EmulatedDriver.Record;
            int error = Prepare(context, function, (gridX, gridY, gridZ), (blockX, blockY, blockZ), sharedBytes, parameters, extra, runs || notes, out var kernel, out var launched);
            if (error != Success || launched is null) { return error; }
            if (notes) { EmulatedDriver.Launches.Enqueue(launched); }
            return Put(context, stream, kernel!, launched);
        }
    }

    [UnmanagedCallersOnly]
    private static int cuLaunchCooperativeKernel(nint function, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int sharedBytes, nint stream, void** parameters)
    {
        Count(DriverFunction.cuLaunchCooperativeKernel);
        if (t_current is not { IsAlive: true } context) { return Error(InvalidContext, "no context is current on this thread"); }
        lock (context)
        {
            const int TooLarge = 720;
            if (context.Broken is { } fault) { return Error(fault.Error, fault.Message); }
            if (Handles.Get<DriverKernel>(function) is not { } known) { return InvalidHandle; }
            // one parameter, as long as the kernel says: as the list of extras would have it
            nint bytes = known.ParameterBytes;
            void** extra = stackalloc void*[5] { (void*)1, parameters[0], (void*)2, &bytes, null };
            bool runs = !context.Counts, notes = context.Counts && EmulatedDriver.Record;
            int error = Prepare(context, function, (gridX, gridY, gridZ), (blockX, blockY, blockZ), sharedBytes, null, extra, runs || notes, out var kernel, out var launched);
            if (error != Success) { return error; }
            int room = BlocksAtOnce(kernel!, blockX * blockY * blockZ) * s_attributes[DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT];
            if (gridX * gridY * gridZ > (EmulatedDriver.MostTogether > 0 ? Math.Min(room, EmulatedDriver.MostTogether) : room)) { return Error(TooLarge, $"{kernel!.Name}: {gridX * gridY * gridZ} blocks at once"); }
            if (launched is null) { return Success; }
            launched = launched with { IsTogether = true };
            if (notes) { EmulatedDriver.Launches.Enqueue(launched); }
            return Put(context, stream, kernel!, launched);
        }
    }

    private static int BlocksAtOnce(DriverKernel kernel, int threads) => Multiprocessor.Blocks(threads, EmulatedDriver.RegistersOf?.Invoke(kernel.Module.Ptx) ?? 0, kernel.Code?.SharedBytes ?? 0);

    // apart, so that a launch that is only counted allocates nothing
    private static int Put(DriverContext context, nint stream, DriverKernel kernel, Launched launched) => Put(context, stream, () =>
    {
        if (!context.Counts) { Launcher.Run(kernel, launched); }
    });

    // checks a launch, and takes its arguments if they are wanted
    private static int Prepare(DriverContext context, nint function, (int X, int Y, int Z) grid, (int X, int Y, int Z) block, int sharedBytes, void** parameters, void** extra, bool wanted,
        out DriverKernel? kernel, out Launched? launched)
    {
        (kernel, launched) = (Handles.Get<DriverKernel>(function), null);
        if (kernel is null || kernel.Module.Context != context) { return Error(InvalidHandle, "a kernel of another context"); }
        if (grid.X <= 0 || grid.Y <= 0 || grid.Z <= 0 || grid.Y > 65535 || grid.Z > 65535 || block.X <= 0 || block.Y <= 0 || block.Z <= 0 || block.Z > 64 || (long)block.X * block.Y * block.Z > 1024)
        {
            return Error(InvalidValue, $"{kernel.Name}: grid {grid.X} × {grid.Y} × {grid.Z}, block {block.X} × {block.Y} × {block.Z}");
        }
        if (kernel.ParameterBytes > MostParameters) { return Error(InvalidValue, $"{kernel.Name}: {kernel.ParameterBytes} bytes of parameters, at most {MostParameters}"); }
        // the list of extras: 1 is followed by the buffer, 2 by where its size stands, 0 ends
        byte* buffer = null;
        long bytes = 0;
        if (extra is not null)
        {
            for (int i = 0; extra[i] is not null; i += 2)
            {
                if ((nint)extra[i] == 1) { buffer = (byte*)extra[i + 1]; }
                if ((nint)extra[i] == 2) { bytes = *(long*)extra[i + 1]; }
            }
        }
        if (parameters is not null || bytes < kernel.ParameterBytes) { return Error(InvalidValue, $"{kernel.Name}: {bytes} bytes of arguments for {kernel.ParameterBytes} bytes of parameters"); }
        if (wanted) { launched = new(kernel.Name, grid, block, sharedBytes, new Span<byte>(buffer, (int)bytes).ToArray()) { Function = function }; }
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, nint function, int threads, nint sharedBytes)
    {
        Count(DriverFunction.cuOccupancyMaxActiveBlocksPerMultiprocessor);
        return Within(_ =>
        {
            if (Handles.Get<DriverKernel>(function) is not { } kernel) { return InvalidHandle; }
            *blocks = BlocksAtOnce(kernel, threads);
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuOccupancyMaxPotentialBlockSize(int* grid, int* block, nint function, nint sharedOfBlock, nint sharedBytes, int limit)
    {
        Count(DriverFunction.cuOccupancyMaxPotentialBlockSize);
        (*grid, *block) = (132 * 2, limit is > 0 and < 1024 ? limit : 1024);
        return Success;
    }
}
