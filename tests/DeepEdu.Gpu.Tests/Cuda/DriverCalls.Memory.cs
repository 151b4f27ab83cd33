using System.Runtime.InteropServices;

namespace DeepEdu.Gpu.Tests.Cuda;

#pragma warning disable IDE1006, CA1707 // the driver's own names

/// <content>Memory and copies. A copy from page-locked memory reads it when its turn comes, as a GPU does: who writes there before has changed what is copied.</content>
internal static unsafe partial class DriverCalls
{
    private static readonly List<(nint At, long Bytes, bool IsOwn)> s_locked = [];

    [UnmanagedCallersOnly]
    private static int cuPointerGetAttribute(int* target, int attribute, nint address)
    {
        Count(DriverFunction.cuPointerGetAttribute);
        const int MemoryType = 2;
        if (attribute != MemoryType) { return Error(InvalidValue, $"attribute {attribute} of a pointer"); }
        *target = DeviceHeap.IsDevice(address) ? 2 : 1;
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int cuMemGetInfo_v2(nint* free, nint* total)
    {
        Count(DriverFunction.cuMemGetInfo_v2);
        lock (EmulatedDriver.Gate) { (*free, *total) = ((nint)(DeviceHeap.Capacity - DeviceHeap.LiveBytes), (nint)DeviceHeap.Capacity); }
        return t_current is null ? InvalidContext : Success;
    }

    [UnmanagedCallersOnly]
    private static int cuMemAlloc_v2(nint* address, nint bytes)
    {
        Count(DriverFunction.cuMemAlloc_v2);
        return Within(context =>
        {
            if (bytes <= 0) { return Error(InvalidValue, $"{bytes} bytes"); }
            long at = DeviceHeap.Take(bytes, context.Owner);
            *address = (nint)at;
            return at == 0 ? OutOfMemory : Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuMemFree_v2(nint address)
    {
        Count(DriverFunction.cuMemFree_v2);
        return Within(context =>
        {
            context.Drain(); // freeing waits for the device
            return address == 0 || DeviceHeap.Free(address) ? Success : Error(InvalidValue, $"0x{address:x} is no allocation");
        });
    }

    [UnmanagedCallersOnly]
    private static int cuMemAllocHost_v2(nint* address, nint bytes)
    {
        Count(DriverFunction.cuMemAllocHost_v2);
        return Within(_ =>
        {
            *address = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
            lock (s_locked) { s_locked.Add((*address, bytes, true)); }
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuMemFreeHost(nint address)
    {
        Count(DriverFunction.cuMemFreeHost);
        return Within(context =>
        {
            context.Drain();
            if (Unlock(address, isOwn: true) == 0) { return Error(InvalidValue, $"0x{address:x} was not taken"); }
            NativeMemory.AlignedFree((void*)address);
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuMemHostRegister_v2(nint address, nint bytes, int flags)
    {
        Count(DriverFunction.cuMemHostRegister_v2);
        return Within(_ =>
        {
            const int AlreadyRegistered = 712, NotPermitted = 800;
            if (EmulatedDriver.LocksNoPages) { return NotPermitted; }
            lock (s_locked)
            {
                if (s_locked.Any(l => l.At < address + bytes && address < l.At + l.Bytes)) { return AlreadyRegistered; }
                s_locked.Add((address, bytes, false));
            }
            return Success;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuMemHostUnregister(nint address)
    {
        Count(DriverFunction.cuMemHostUnregister);
        return Within(context =>
        {
            const int NotRegistered = 713;
            context.Drain();
            return Unlock(address, isOwn: false) > 0 ? Success : NotRegistered;
        });
    }

    [UnmanagedCallersOnly]
    private static int cuMemHostGetDevicePointer_v2(nint* device, nint host, int flags)
    {
        Count(DriverFunction.cuMemHostGetDevicePointer_v2);
        *device = 0;
        return Error(InvalidValue, "kernels reach no host memory here");
    }

    [UnmanagedCallersOnly]
    private static int cuMemcpyAsync(nint to, nint from, nint length, nint stream)
    {
        Count(DriverFunction.cuMemcpyAsync);
        return Within(context =>
        {
            if (length == 0) { return Success; }
            bool toDevice = DeviceHeap.IsDevice(to), fromDevice = DeviceHeap.IsDevice(from);
            // memory that is not page-locked is read at once, and written before the call returns
            bool late = (toDevice || IsLocked(to, length)) && (fromDevice || IsLocked(from, length));
            if (late || !toDevice)
            {
                int error = Put(context, stream, () => Move(context, to, from, length));
                if (error == Success && !late) { context.Drain(); }
                return error;
            }
            byte[] taken = new Span<byte>((void*)from, checked((int)length)).ToArray();
            return Put(context, stream, () =>
            {
                fixed (byte* source = taken) { Move(context, to, (nint)source, taken.Length); }
            });
        });
    }

    [UnmanagedCallersOnly]
    private static int cuMemsetD8Async(nint to, byte value, nint length, nint stream)
    {
        Count(DriverFunction.cuMemsetD8Async);
        return Within(context => Put(context, stream, () =>
        {
            Check(context, "memset", to, length, false);
            new Span<byte>(DeviceHeap.Data + (to - DeviceHeap.Base), checked((int)length)).Fill(value);
            DeviceHeap.Wrote(to, length, context.Owner);
        }));
    }

    private static void Move(DriverContext context, nint to, nint from, nint length)
    {
        bool toDevice = DeviceHeap.IsDevice(to), fromDevice = DeviceHeap.IsDevice(from);
        if (fromDevice) { Check(context, "copy from the device", from, length, !toDevice); }
        if (toDevice) { Check(context, "copy to the device", to, length, false); }
        byte* source = fromDevice ? DeviceHeap.Data + (from - DeviceHeap.Base) : (byte*)from, target = toDevice ? DeviceHeap.Data + (to - DeviceHeap.Base) : (byte*)to;
        Buffer.MemoryCopy(source, target, length, length);
        if (toDevice && fromDevice) { Buffer.MemoryCopy(DeviceHeap.State + (from - DeviceHeap.Base), DeviceHeap.State + (to - DeviceHeap.Base), length, length); }
        else if (toDevice) { DeviceHeap.Wrote(to, length, context.Owner); }
    }

    private static void Check(DriverContext context, string what, nint address, nint length, bool reads)
    {
        // nobody runs kernels while launches are only counted: nothing is written
        if (DeviceHeap.Refusal(address, length, context.Owner, reads && !context.Counts) is { } why)
        {
            throw new KernelFault(IllegalAddress, $"{what} of {length} bytes at 0x{address:x}: {why}");
        }
    }

    private static int Unlock(nint address, bool isOwn)
    {
        lock (s_locked) { return s_locked.RemoveAll(l => l.At == address && l.IsOwn == isOwn); }
    }

    private static bool IsLocked(nint address, nint length)
    {
        lock (s_locked)
        {
            foreach (var (at, bytes, _) in s_locked)
            {
                if (at <= address && address + length <= at + bytes) { return true; }
            }
            return false;
        }
    }
}
