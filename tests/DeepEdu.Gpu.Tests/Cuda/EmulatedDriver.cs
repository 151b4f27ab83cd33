using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>A CUDA driver without a GPU, that shows one H200: <see cref="Start"/> puts a library of our own where the system's libcuda would be, so that ILGPU and <see cref="GpuDevice"/> go
/// the very way they go to a GPU, from the first driver call to the PTX. Kernels are run (and checked) by an interpreter, or only counted.
/// <code>
/// EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);      // Missing says why it cannot; in this assembly the library is in place from the start
/// using var device = EmulatedDriver.NewDevice();            // a GpuDevice; GpuDevice.Best() finds it too
/// EmulatedDriver.Reset();
/// ... a training step ...
/// EmulatedDriver.Counts["cuLaunchKernel"]                   // and every other driver call
/// EmulatedDriver.Record = true; ... EmulatedDriver.Launches // kernels by name, with grid, block, shared bytes and the bytes of the arguments
/// </code></summary>
internal static unsafe partial class EmulatedDriver
{
    /// <summary>What a launch does.</summary>
    public enum Kind
    {
        /// <summary>Nothing but to be counted; memory and copies work.</summary>
        CountOnly,

        /// <summary>The kernel's PTX is run and checked.</summary>
        Execute,
    }

    /// <summary>The name of the device.</summary>
    public const string Name = "Emulated H200";

    private static readonly Lazy<string?> s_missing = new(Install);

    /// <summary>Guards everything here; driver calls come from any thread.</summary>
    internal static readonly Lock Gate = new();

    [ThreadStatic]
    private static Kind? t_mode;

    [ThreadStatic]
    private static int t_version;

    /// <summary>What cuInit answers this thread; 0 unless set.</summary>
    [field: ThreadStatic]
    public static int InitError { get; set; }

    /// <summary>Whether this thread's memory is refused to be page-locked.</summary>
    [field: ThreadStatic]
    public static bool LocksNoPages { get; set; }

    /// <summary>How many blocks at most this thread's launches may have at once, 0 for as many as there is room for: other processes share the GPU.</summary>
    [field: ThreadStatic]
    public static int MostTogether { get; set; }

    /// <summary>How many registers each thread of a kernel, given by its module's PTX, is taken to have when this thread asks how many blocks fit, or launches some that must all fit. They are the assembler's choice: what is not
    /// said here limits nothing.</summary>
    [field: ThreadStatic]
    public static Func<string, int>? RegistersOf { get; set; }

    /// <summary>How many blocks of launches whose blocks wait for each other never run, on this thread.</summary>
    [field: ThreadStatic]
    public static int Missed { get; set; }

    /// <summary>The version that this thread is told, as the driver writes it: 12.9 unless set.</summary>
    public static int Version { get => t_version == 0 ? 12090 : t_version; set => t_version = value; }

    /// <summary>What launches do in a context that this thread makes now.</summary>
    internal static Kind Mode => t_mode ?? Kind.Execute;

    /// <summary>Whether <see cref="Launches"/> grows: by what devices do that only count. Other tests may run at the same time.</summary>
    public static bool Record { get; set; }

    /// <summary>What was launched while <see cref="Record"/> was set, in order.</summary>
    public static ConcurrentQueue<Launched> Launches { get; } = new();

    /// <summary>Why there is no emulated driver here, or null.</summary>
    public static string? Missing => s_missing.Value;

    /// <summary>How often each function of the driver was called since <see cref="Reset"/> for devices that only count, those that were called.</summary>
    public static IReadOnlyDictionary<string, long> Counts =>
        Enum.GetValues<DriverFunction>().Where(f => DriverCalls.Counts[(int)f] > 0).ToDictionary(f => f.ToString(), f => DriverCalls.Counts[(int)f]);

    /// <summary>How often one was called.</summary>
    public static long CountOf(string function) => DriverCalls.Counts[(int)Enum.Parse<DriverFunction>(function)];

    /// <summary>Whether a device is the emulated one.</summary>
    public static bool IsEmulated(GpuDevice device) => device.Accelerator is CudaAccelerator { Name: Name };

    /// <summary>Says what launches of this thread's next device do.</summary>
    /// <exception cref="NotSupportedException">It cannot be done here; the message says why.</exception>
    public static void Start(Kind mode)
    {
        if (Missing is { } why) { throw new NotSupportedException(why); }
        t_mode = mode;
    }

    /// <summary>Counts from 0 again, and forgets the recorded launches.</summary>
    public static void Reset()
    {
        Array.Clear(DriverCalls.Counts);
        Launches.Clear();
    }

    /// <summary>A device of its own on the emulated GPU, with a context of its own; it runs kernels, unless <see cref="Start"/> has said otherwise.</summary>
    public static GpuDevice NewDevice()
    {
        if (Missing is { } why) { throw new NotSupportedException(why); }
        _ = GpuDevice.Doctor(); // sets the resolver that finds the library
        var context = Context.Create(b => b.Cuda().EnableAlgorithms().Optimize(OptimizationLevel.O2));
        try { return new(context.GetCudaDevice(0).CreateAccelerator(context), "cuda", context); }
        finally { t_mode = null; }
    }

    // before any test asks for devices, which ILGPU looks for once
    [ModuleInitializer]
    internal static void Begin() => _ = Missing;

    private static string? Install()
    {
        const string Library = "libcuda.so.1";
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64) { return "the emulated CUDA driver is a library for x86-64 Linux"; }
        if (NativeLibrary.TryLoad(Library, out _)) { return "there is a CUDA driver here, which the tests use instead of the emulated one"; }
        if (!DeviceHeap.Reserve()) { return $"the system does not reserve {DeviceHeap.Size >> 30} GiB of address space for the emulated GPU's memory"; }
        string folder = Directory.CreateTempSubdirectory("cuda").FullName;
        try
        {
            // once loaded, it is what the loader finds under its name
            string file = Path.Combine(folder, Library);
            File.WriteAllBytes(file, SharedLibrary.Of(Library, Enum.GetNames<DriverFunction>()));
            var slots = (nint*)NativeLibrary.GetExport(NativeLibrary.Load(file), SharedLibrary.Slots);
            foreach (var f in Enum.GetValues<DriverFunction>()) { slots[(int)f] = DriverCalls.Body(f); }
        }
        finally { Directory.Delete(folder, true); }
        return null;
    }
}

/// <summary>A launch as the driver saw it.</summary>
/// <param name="Kernel">Its entry in the PTX.</param>
/// <param name="Grid">Blocks.</param>
/// <param name="Block">Threads of a block.</param>
/// <param name="SharedBytes">Shared memory asked for at the launch.</param>
/// <param name="Arguments">The bytes of its parameters.</param>
internal sealed record Launched(string Kernel, (int X, int Y, int Z) Grid, (int X, int Y, int Z) Block, int SharedBytes, byte[] Arguments)
{
    /// <summary>The driver's number of the kernel.</summary>
    public nint Function { get; init; }

    /// <summary>Whether its blocks are there at once and may wait for each other.</summary>
    public bool IsTogether { get; init; }
}
