using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>The emulated device's memory. Addresses are none that the host could follow by mistake, and are never given out twice, so that a pointer to freed memory stays recognisable. For each
/// byte there is a byte of state: nobody's, freed, or a context's, and whether it was ever written.</summary>
internal static unsafe partial class DeviceHeap
{
    /// <summary>The first address; no host address on x86-64 is as high.</summary>
    public const long Base = 1L << 56;

    /// <summary>Address space, not memory: pages come when they are touched.</summary>
    public static readonly long Size = 64L << 30;

    /// <summary>What can be had at once.</summary>
    public static readonly long Capacity = 8L << 30;

    /// <summary>A byte of state.</summary>
    public const byte Nobody = 0, Freed = 2, Taken = 1, Written = 2;

    // a gap between neighbours shows who runs over an end; CUDA promises a beginning at 256
    private const int Alignment = 256, Gap = 256, Page = 4096;

    private static readonly Lock s_gate = new();
    private static readonly SortedList<long, (long Bytes, int Owner)> s_taken = [];
    private static byte* s_data, s_state, s_writers, s_readers, s_writing, s_reading;
    private static long s_next, s_live;

    /// <summary>Bytes taken.</summary>
    public static long LiveBytes => s_live;

    /// <summary>The memory behind address <see cref="Base"/>, its state, and for each four bytes who wrote and who read them last.</summary>
    public static byte* Data => s_data;

    /// <inheritdoc cref="Data"/>
    public static byte* State => s_state;

    /// <inheritdoc cref="Data"/>
    public static uint* Writers => (uint*)s_writers;

    /// <inheritdoc cref="Data"/>
    public static uint* Readers => (uint*)s_readers;

    /// <summary>For each four bytes which thread of the block that wrote them last did, and between which of its barriers.</summary>
    public static uint* WritingThreads => (uint*)s_writing;

    /// <summary>The same of reading.</summary>
    public static uint* ReadingThreads => (uint*)s_reading;

    /// <summary>Reserves address space; false if the system refuses.</summary>
    public static bool Reserve()
    {
        if (s_data is not null) { return true; }
        byte* data = Pages(Size), state = Pages(Size), writers = Pages(Size), readers = Pages(Size), writing = Pages(Size), reading = Pages(Size);
        if (data is null || state is null || writers is null || readers is null || writing is null || reading is null) { return false; }
        s_data = data;
        s_state = state;
        s_writers = writers;
        s_readers = readers;
        s_writing = writing;
        s_reading = reading;
        s_next = Base + Alignment;
        return true;
    }

    // zeros that take memory when they are touched, or null
    private static byte* Pages(long bytes)
    {
        const int ReadWrite = 3, PrivateAnonymousNoReserve = 0x4022;
        byte* at = Map(0, (nuint)bytes, ReadWrite, PrivateAnonymousNoReserve, -1, 0);
        return (nint)at == -1 ? null : at;
    }

    public static bool IsDevice(long address) => address >= Base;

    /// <summary>The states of a context's bytes: those taken; or them with <see cref="Written"/>. A byte tells 64 contexts apart that are made one after the other; whose an allocation is, the list of them knows.</summary>
    public static byte StateOf(int owner) => (byte)((owner << 2) | Taken);

    /// <summary>Takes memory for a context, or 0 where there is no more.</summary>
    public static long Take(long bytes, int owner)
    {
        using var held = s_gate.EnterScope();
        long at = s_next;
        if (bytes <= 0 || s_live + bytes > Capacity || at + bytes + Gap > Base + Size) { return 0; }
        s_next = (at + bytes + Gap + Alignment - 1) / Alignment * Alignment;
        s_taken.Add(at, (bytes, owner));
        s_live += bytes;
        Unsafe.InitBlockUnaligned(s_state + (at - Base), StateOf(owner), checked((uint)bytes));
        return at;
    }

    /// <summary>Gives memory back; false if it is nobody's.</summary>
    public static bool Free(long address)
    {
        using var held = s_gate.EnterScope();
        if (!s_taken.Remove(address, out var taken)) { return false; }
        s_live -= taken.Bytes;
        // whole pages inside go back to the system, and are zeros again
        const int DontNeed = 4;
        long from = address - Base, to = from + taken.Bytes, firstPage = (from + Page - 1) & -Page, pages = (to & -Page) - firstPage;
        if (pages <= 0)
        {
            Unsafe.InitBlockUnaligned(s_state + from, Freed, (uint)taken.Bytes);
            return true;
        }
        foreach (nint all in (ReadOnlySpan<nint>)[(nint)s_data, (nint)s_state, (nint)s_writers, (nint)s_readers]) { _ = Advise((byte*)all + firstPage, (nuint)pages, DontNeed); }
        Unsafe.InitBlockUnaligned(s_state + from, Freed, (uint)(firstPage - from));
        Unsafe.InitBlockUnaligned(s_state + firstPage + pages, Freed, (uint)(to - firstPage - pages));
        return true;
    }

    /// <summary>Gives all of a context's memory back.</summary>
    public static void FreeAllOf(int owner)
    {
        using var held = s_gate.EnterScope();
        foreach (long at in s_taken.Where(t => t.Value.Owner == owner).Select(t => t.Key).ToArray()) { Free(at); }
    }

    /// <summary>Why a context may not touch some bytes, or null if it may.</summary>
    public static string? Refusal(long address, long bytes, int owner, bool reads)
    {
        if (address < Base || address + bytes > Base + Size) { return $"0x{address:x} is no device memory"; }
        var state = new ReadOnlySpan<byte>(s_state + (address - Base), checked((int)bytes));
        byte taken = StateOf(owner), written = (byte)(taken | Written);
        int bad = reads ? state.IndexOfAnyExcept(written) : state.IndexOfAnyExcept(taken, written);
        if (bad < 0) { return null; }
        string what = state[bad] switch
        {
            Freed => "was freed",
            Nobody when WasFreed(address + bad) => "was freed",
            Nobody => "is outside every allocation",
            _ when state[bad] == taken => "was never written",
            _ => "belongs to another context",
        };
        return $"byte 0x{address + bad:x} {what}{Place(address + bad)}";
    }

    /// <summary>Marks bytes as written.</summary>
    public static void Wrote(long address, long bytes, int owner) => Unsafe.InitBlockUnaligned(s_state + (address - Base), (byte)(StateOf(owner) | Written), checked((uint)bytes));

    /// <summary>Marks bytes as never written: what is read there without being written first is an error from now on.</summary>
    public static void Forget(long address, long bytes, int owner) => Unsafe.InitBlockUnaligned(s_state + (address - Base), StateOf(owner), checked((uint)bytes));

    // a page of nobody's, which no gap is as long as
    private static bool WasFreed(long address)
    {
        long page = (address - Base) & -Page;
        return page + Page <= s_next - Base && new ReadOnlySpan<byte>(s_state + page, Page).IndexOfAnyExcept(Nobody) < 0;
    }

    // the allocation that an address lies in or behind
    private static string Place(long address)
    {
        using var held = s_gate.EnterScope();
        int below = -1;
        for (int low = 0, high = s_taken.Count - 1; low <= high;)
        {
            int mid = (low + high) / 2;
            if (s_taken.GetKeyAtIndex(mid) <= address) { (below, low) = (mid, mid + 1); } else { high = mid - 1; }
        }
        if (below < 0) { return ""; }
        long at = s_taken.GetKeyAtIndex(below), bytes = s_taken.GetValueAtIndex(below).Bytes;
        return address < at + bytes ? $" (byte {address - at} of {bytes} at 0x{at:x})" : $" ({address - at - bytes} bytes behind the {bytes} at 0x{at:x})";
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial byte* Map(nint at, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(byte* at, nuint length, int advice);
}
