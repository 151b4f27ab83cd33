using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>What the driver is handed by ILGPU's launcher and by ours.</summary>
[Collection(nameof(EmulatedDriver))]
public class LauncherTests
{
    // of the kernels that ILGPU's launcher can take (it sees no private types), one for each way in which fields lie
    private static readonly Dictionary<string, Type> s_kernels = GpuKernels.All.Where(k => IsSeen(k.Kernel)).DistinctBy(k => Layout(k.Kernel)).ToDictionary(k => k.Name, k => k.Kernel);

    [EmulatedFact]
    public void BothHandOverTheSameBytes()
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        using var buffer = device.Accelerator.Allocate1D<float>(1 << 16);
        Assert.InRange(s_kernels.Count, 50, GpuKernels.All.Count / 7); // the fields of most lie alike
        Filler fill = new(buffer, 1);
        foreach (var (name, kernel) in s_kernels)
        {
            // views of no length among them
            for (int i = 0; i < 3; i++)
            {
                EmulatedDriver.Reset();
                EmulatedDriver.Record = true;
                typeof(LauncherTests).GetMethod(nameof(LaunchTwice), BindingFlags.Static | BindingFlags.NonPublic)!.MakeGenericMethod(kernel).Invoke(null, [device, fill.Any(kernel)]);
                EmulatedDriver.Record = false;
                Launched[] both = [.. EmulatedDriver.Launches];
                Assert.Equal((2, (5, 3, 2), (8, 4, 2)), (both.Length, both[0].Grid, both[0].Block));
                Assert.True(both[0].Arguments.AsSpan().SequenceEqual(both[1].Arguments), $"{name}: {Convert.ToHexString(both[0].Arguments)} by ILGPU, {Convert.ToHexString(both[1].Arguments)} by us");
                Assert.Equal((both[0].Kernel, both[0].Grid, both[0].Block, both[0].SharedBytes), (both[1].Kernel, both[1].Grid, both[1].Block, both[1].SharedBytes));
            }
        }
    }

    [EmulatedFact]
    public void ALaunchAllocatesNothing()
    {
        EmulatedDriver.Start(EmulatedDriver.Kind.CountOnly);
        using var device = EmulatedDriver.NewDevice();
        using var buffer = device.Accelerator.Allocate1D<float>(64);
        FillLoop kernel = new() { Y = buffer.View.BaseView, Value = 1 };
        foreach (bool graphs in (bool[])[false, true])
        {
            device.Graphs = graphs;
            for (int i = 0; i < 100; i++) { device.Start(64, kernel); }
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 20; i++) { device.Start(64, kernel); } // fewer than a list takes
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    private static void LaunchTwice<K>(GpuDevice device, object kernel) where K : struct, IGpuKernel
    {
        KernelConfig how = new(new Index3D(5, 3, 2), new Index3D(8, 4, 2));
        var compiled = device.Accelerator.LoadKernel(device.Accelerator.CompileKernel(EntryPointDescription.FromExplicitlyGroupedKernel(((Action<K>)GpuDevice.Enter).Method)));
        new IlgpuLauncher<K>(device.Accelerator, compiled).Run(how, (K)kernel);
        new CudaLauncher<K>(device.Queue!, ((CudaKernel)compiled).FunctionPtr).Run(how, (K)kernel);
    }

    private static bool IsSeen(Type type) => !type.IsNestedPrivate && (type.DeclaringType is not { } outer || IsSeen(outer)) && type.GetGenericArguments().All(IsSeen);

    private static string Layout(Type type) => type.IsPrimitive || type.IsEnum ? type.Name
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>) ? "view"
        : $"({string.Join(' ', type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).OrderBy(f => f.MetadataToken).Select(f => Layout(f.FieldType)))})";

    // kernels whose every field is something
    private sealed class Filler(MemoryBuffer1D<float, Stride1D.Dense> buffer, int seed)
    {
        private readonly Random _random = new(seed);

        public object Any(Type type)
        {
            if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>)) { return Activator.CreateInstance(type, (MemoryBuffer)buffer, _random.NextInt64(4000), _random.NextInt64(4))!; }
            if (type.IsEnum) { return Enum.ToObject(type, _random.Next(3)); }
            if (type.IsPrimitive)
            {
                return Type.GetTypeCode(type) switch
                {
                    TypeCode.Boolean => _random.Next(2) == 1,
                    TypeCode.Single => _random.NextSingle(),
                    TypeCode.Double => _random.NextDouble(),
                    TypeCode.UInt64 => (ulong)_random.NextInt64(),
                    TypeCode.Int64 => _random.NextInt64(),
                    _ => Convert.ChangeType(_random.Next(100), type, null),
                };
            }
            object made = Activator.CreateInstance(type)!;
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)) { field.SetValue(made, Any(field.FieldType)); }
            return made;
        }
    }
}
