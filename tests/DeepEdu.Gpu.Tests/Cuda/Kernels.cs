using System.Runtime.InteropServices;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>Runs kernels written by hand on the interpreter, without a driver: memory is taken and filled, the kernel runs, memory is read.</summary>
internal sealed unsafe class Kernels : IDisposable
{
    private readonly DriverContext _context = new(false);

    /// <summary>Whose memory it is.</summary>
    public int Owner => _context.Owner;

    /// <summary>Memory with values.</summary>
    public long Of<T>(params T[] values) where T : unmanaged
    {
        long at = Take(values.Length * sizeof(T));
        MemoryMarshal.AsBytes<T>(values).CopyTo(new Span<byte>(DeviceHeap.Data + (at - DeviceHeap.Base), values.Length * sizeof(T)));
        DeviceHeap.Wrote(at, values.Length * sizeof(T), _context.Owner);
        return at;
    }

    /// <summary>Memory that was never written.</summary>
    public long Take(int bytes)
    {
        if (EmulatedDriver.Missing is { } why) { throw new NotSupportedException(why); }
        return DeviceHeap.Take(bytes, _context.Owner);
    }

    public T[] Read<T>(long at, int count) where T : unmanaged => MemoryMarshal.Cast<byte, T>(new Span<byte>(DeviceHeap.Data + (at - DeviceHeap.Base), count * sizeof(T))).ToArray();

    /// <summary>Runs a kernel with pointers as its arguments.</summary>
    public void Run(string body, int grid, int block, params long[] arguments) => Run(body, (grid, 1, 1), (block, 1, 1), arguments);

    public void Run(string body, (int, int, int) grid, (int, int, int) block, params long[] arguments) => Run(body, grid, block, false, arguments);

    /// <summary>Runs one whose blocks are there at once.</summary>
    public void RunTogether(string body, int grid, int block, params long[] arguments) => Run(body, (grid, 1, 1), (block, 1, 1), true, arguments);

    private void Run(string body, (int, int, int) grid, (int, int, int) block, bool together, long[] arguments)
    {
        string parameters = string.Join(", ", Enumerable.Range(0, arguments.Length).Select(i => $".param .b64 p{i}"));
        string pointers = string.Concat(arguments.Select((_, i) => $"ld.param.u64 %p{i}, [p{i}];\n"));
        string ptx = $".version 7.8\n.target sm_90\n.address_size 64\n.visible .entry kernel({parameters})\n{{\n.reg .b64 %p<8>; .reg .b32 %t, %r<16>; .reg .b64 %rd<16>; .reg .f32 %f<16>; .reg .f64 %fd<8>; .reg .pred %q<8>;\n{pointers}mov.u32 %t, %tid.x;\n{body}\nret;\n}}\n";
        DriverKernel kernel = new(new(_context, ptx), "kernel", arguments.Length * 8);
        Launcher.Run(kernel, new("kernel", grid, block, 0, MemoryMarshal.AsBytes<long>(arguments).ToArray()) { IsTogether = together });
    }

    public void Free(long at) => DeviceHeap.Free(at);

    public void Dispose() => DeviceHeap.FreeAllOf(_context.Owner);
}
