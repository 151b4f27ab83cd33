using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu.Tests.Cuda;

#pragma warning disable IDE1006, CA1707 // the driver's own names

/// <summary>The emulated driver's functions, as native code calls them: the device and its contexts. Each counts itself, and answers with the driver's number for what is wrong.</summary>
internal static unsafe partial class DriverCalls
{
    private const int Success = 0, InvalidValue = 1, OutOfMemory = 2, NotInitialized = 3, InvalidDevice = 101, InvalidContext = 201, InvalidPtx = 218, InvalidHandle = 400, NotFound = 500, NotReady = 600,
        IllegalAddress = 700, LaunchFailed = 719;

    /// <summary>How often each was called.</summary>
    internal static readonly long[] Counts = new long[Enum.GetValues<DriverFunction>().Length];

    [ThreadStatic]
    private static DriverContext? t_current;
    private static bool s_initialized;
    [ThreadStatic]
    private static string? t_detail;
    private static byte* s_message;

    private static readonly Dictionary<DeviceAttributeKind, int> s_attributes = new()
    {
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK] = 1024,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X] = 1024,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y] = 1024,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z] = 64,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X] = int.MaxValue,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y] = 65535,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z] = 65535,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK] = 48 << 10,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY] = 64 << 10,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_WARP_SIZE] = 32,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_PITCH] = int.MaxValue,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK] = 65536,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_CLOCK_RATE] = 1980000,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT] = 132,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY] = 1,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS] = 1,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_ECC_ENABLED] = 1,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_PCI_BUS_ID] = 1,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID] = 0,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID] = 0,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_TCC_DRIVER] = 0,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE] = 3201000,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH] = 6016,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE] = 60 << 20,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR] = 2048,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT] = 3,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING] = 1,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR] = 9,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR] = 0,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED] = 1,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR] = 228 << 10,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR] = 65536,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY] = 1,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_COMPUTE_PREEMPTION_SUPPORTED] = 1,
        [DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM] = 1,
        [(DeviceAttributeKind)95] = 1, // launches whose blocks are there at once
        [(DeviceAttributeKind)97] = 227 << 10, // shared memory of a block that asks for more
    };

    private static void Count(DriverFunction f)
    {
        if (t_current is { Counts: true }) { Interlocked.Increment(ref Counts[(int)f]); }
    }

    private static int Error(int number, string detail)
    {
        t_detail = detail;
        return number;
    }

    // in a context that is current and alive
    private static int Within(Func<DriverContext, int> body)
    {
        if (!s_initialized) { return NotInitialized; }
        if (t_current is not { IsAlive: true } context) { return Error(InvalidContext, "no context is current on this thread"); }
        lock (context)
        {
            if (context.Broken is { } fault) { return Error(fault.Error, fault.Message); }
            try { return body(context); }
            catch (KernelFault e) { return Failed(context, e); }
            catch (Exception e) { return Error(LaunchFailed, e.ToString()); }
        }
    }

    // what a kernel does wrong ends its context: from then on it answers with nothing else
    private static int Failed(DriverContext context, KernelFault fault)
    {
        if (fault.Error >= IllegalAddress) { context.Broken = fault; }
        return Error(fault.Error, fault.Message);
    }

    [UnmanagedCallersOnly]
    private static int cuInit(int flags)
    {
        Count(DriverFunction.cuInit);
        if (EmulatedDriver.InitError != 0) { return EmulatedDriver.InitError; }
        s_initialized = true;
        return flags == 0 ? Success : InvalidValue;
    }

    [UnmanagedCallersOnly]
    private static int cuDriverGetVersion(int* version)
    {
        Count(DriverFunction.cuDriverGetVersion);
        *version = EmulatedDriver.Version;
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int cuDeviceGet(int* device, int ordinal)
    {
        Count(DriverFunction.cuDeviceGet);
        *device = 0;
        return ordinal == 0 ? Success : InvalidDevice;
    }

    [UnmanagedCallersOnly]
    private static int cuDeviceGetCount(int* count)
    {
        Count(DriverFunction.cuDeviceGetCount);
        *count = 1;
        return s_initialized ? Success : NotInitialized;
    }

    [UnmanagedCallersOnly]
    private static int cuDeviceGetName(byte* name, int length, int device)
    {
        Count(DriverFunction.cuDeviceGetName);
        System.Text.Encoding.ASCII.GetBytes(EmulatedDriver.Name + '\0', new Span<byte>(name, length));
        return device == 0 ? Success : InvalidDevice;
    }

    [UnmanagedCallersOnly]
    private static int cuDeviceTotalMem_v2(nint* bytes, int device)
    {
        Count(DriverFunction.cuDeviceTotalMem_v2);
        *bytes = (nint)DeviceHeap.Capacity;
        return device == 0 ? Success : InvalidDevice;
    }

    [UnmanagedCallersOnly]
    private static int cuDeviceGetAttribute(int* value, int attribute, int device)
    {
        Count(DriverFunction.cuDeviceGetAttribute);
        return s_attributes.TryGetValue((DeviceAttributeKind)attribute, out *value) && device == 0 ? Success : InvalidValue;
    }

    [UnmanagedCallersOnly]
    private static int cuCtxCreate_v2(nint* context, int flags, int device)
    {
        Count(DriverFunction.cuCtxCreate_v2);
        lock (EmulatedDriver.Gate)
        {
            DriverContext made = new(EmulatedDriver.Mode == EmulatedDriver.Kind.CountOnly);
            *context = Handles.New(made);
            t_current = made;
            return device == 0 ? Success : InvalidDevice;
        }
    }

    [UnmanagedCallersOnly]
    private static int cuCtxDestroy_v2(nint context)
    {
        Count(DriverFunction.cuCtxDestroy_v2);
        lock (EmulatedDriver.Gate)
        {
            if (Handles.Get<DriverContext>(context) is not { } gone) { return InvalidContext; }
            Handles.RemoveAllOf(gone);
            gone.IsAlive = false;
            DeviceHeap.FreeAllOf(gone.Owner);
            if (t_current == gone) { t_current = null; }
            return Success;
        }
    }

    [UnmanagedCallersOnly]
    private static int cuCtxSetCurrent(nint context)
    {
        Count(DriverFunction.cuCtxSetCurrent);
        if (context == 0)
        {
            t_current = null;
            return Success;
        }
        lock (EmulatedDriver.Gate)
        {
            if (Handles.Get<DriverContext>(context) is not { } known) { return InvalidContext; }
            t_current = known;
            return Success;
        }
    }

    [UnmanagedCallersOnly]
    private static int cuCtxGetCurrent(nint* context)
    {
        Count(DriverFunction.cuCtxGetCurrent);
        lock (EmulatedDriver.Gate) { *context = t_current is null ? 0 : Handles.Of(t_current); }
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int cuCtxSynchronize()
    {
        Count(DriverFunction.cuCtxSynchronize);
        return Within(context =>
        {
            context.Drain();
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuCtxGetCacheConfig(int* config) => Preference(DriverFunction.cuCtxGetCacheConfig, config);

    [UnmanagedCallersOnly]
    private static int cuCtxSetCacheConfig(int config) => Preference(DriverFunction.cuCtxSetCacheConfig, null);

    [UnmanagedCallersOnly]
    private static int cuCtxGetSharedMemConfig(int* config) => Preference(DriverFunction.cuCtxGetSharedMemConfig, config);

    [UnmanagedCallersOnly]
    private static int cuCtxSetSharedMemConfig(int config) => Preference(DriverFunction.cuCtxSetSharedMemConfig, null);

    private static int Preference(DriverFunction f, int* value)
    {
        Count(f);
        if (value is not null) { *value = 0; }
        return t_current is null ? InvalidContext : Success;
    }

    [UnmanagedCallersOnly]
    private static int cuDeviceCanAccessPeer(int* can, int device, int peer)
    {
        Count(DriverFunction.cuDeviceCanAccessPeer);
        *can = 0;
        return device == 0 && peer == 0 ? Success : InvalidDevice;
    }

    [UnmanagedCallersOnly]
    private static int cuCtxEnablePeerAccess(nint context, int flags)
    {
        Count(DriverFunction.cuCtxEnablePeerAccess);
        return Error(InvalidDevice, "there is one device");
    }

    [UnmanagedCallersOnly]
    private static int cuCtxDisablePeerAccess(nint context)
    {
        Count(DriverFunction.cuCtxDisablePeerAccess);
        return Error(InvalidDevice, "there is one device");
    }

    [UnmanagedCallersOnly]
    private static int cuDeviceGetP2PAttribute(int* value, int attribute, int from, int to)
    {
        Count(DriverFunction.cuDeviceGetP2PAttribute);
        *value = 0;
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int cuGetErrorString(int error, byte** text)
    {
        Count(DriverFunction.cuGetErrorString);
        lock (EmulatedDriver.Gate)
        {
            byte* old = s_message;
            *text = s_message = (byte*)Marshal.StringToCoTaskMemUTF8($"{(CudaError)error}{(t_detail is null ? "" : ": ")}{t_detail}");
            t_detail = null;
            Marshal.FreeCoTaskMem((nint)old);
            return Success;
        }
    }
}
