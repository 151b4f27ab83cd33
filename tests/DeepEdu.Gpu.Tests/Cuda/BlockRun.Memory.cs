using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <content>What a block may touch. Shared memory: who wrote each word and who read it last, since which barrier. Global memory: the heap's state of each byte, and which block wrote and read each word
/// in this launch, and which of its threads since which barrier; where blocks wait for each other, also between which of its barriers, and what it has heard of from others.</content>
internal sealed unsafe partial class BlockRun
{
    // a mark of shared memory: the interval between barriers, and the thread; all ones is "several threads"
    private const int ThreadBits = 11;
    private const ulong Several = (1 << ThreadBits) - 1;

    private static readonly uint* s_wrote = DeviceHeap.Writers, s_read = DeviceHeap.Readers, s_writing = DeviceHeap.WritingThreads, s_reading = DeviceHeap.ReadingThreads;
    private static uint s_blocks = 1;

    private readonly int _sharedBytes;
    private byte* _shared;
    private ulong* _sharedWrote, _sharedRead;
    private ulong _interval = 1, _firstInterval;
    private uint _firstBlock, _thisBlock;
    private readonly GridRun? _grid;
    private uint[] _seen = [], _heard = [], _fenced = [];
    private int _me;
    private uint _stretch;
    private uint _written4;
    private ulong _written8;

    /// <summary>Where a lane's shared memory lies, after all is checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Shared(Warp warp, Instruction i, int lane, long address, int bytes, bool writes)
    {
        if ((address & (bytes - 1)) != 0) { throw Fault(warp, i, lane, $"shared address {address} is not on {bytes} bytes", KernelFault.Misaligned); }
        if ((ulong)address + (ulong)bytes > (ulong)_sharedBytes) { throw Fault(warp, i, lane, $"shared address {address} is outside the {_sharedBytes} bytes", KernelFault.IllegalAddress); }
        ulong me = (_interval << ThreadBits) | (uint)((warp.Number * 32) + lane), since = _interval << ThreadBits;
        for (long word = address >> 2, end = (address + bytes + 3) >> 2; word < end; word++)
        {
            ulong wrote = _sharedWrote[word], read = _sharedRead[word];
            if (wrote >= since && wrote != me) { throw Race(warp, i, lane, word * 4, wrote, writes ? "also written" : "written", "shared", isThread: true); }
            if (writes)
            {
                if (read >= since && read != me) { throw Race(warp, i, lane, word * 4, read, "read", "shared", isThread: true); }
                _sharedWrote[word] = me;
            }
            else
            {
                if (wrote < _firstInterval << ThreadBits) { throw Fault(warp, i, lane, $"shared address {word * 4} was never written"); }
                if (read != me) { _sharedRead[word] = read >= since ? since | Several : me; }
            }
        }
        return _shared + address;
    }

    /// <summary>Where a lane's shared memory lies for an atomic, which any thread may make at any time.</summary>
    public byte* SharedAtomic(Warp warp, Instruction i, int lane, long address, int bytes)
    {
        if ((address & (bytes - 1)) != 0) { throw Fault(warp, i, lane, $"shared address {address} is not on {bytes} bytes", KernelFault.Misaligned); }
        if ((ulong)address + (ulong)bytes > (ulong)_sharedBytes) { throw Fault(warp, i, lane, $"shared address {address} is outside the {_sharedBytes} bytes", KernelFault.IllegalAddress); }
        if (_sharedWrote[address >> 2] < _firstInterval << ThreadBits) { throw Fault(warp, i, lane, $"shared address {address} was never written"); }
        return _shared + address;
    }

    /// <summary>Where a lane's global memory lies, after all is checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Global(Warp warp, Instruction i, int lane, long address, int bytes, bool writes, bool isAtomic = false)
    {
        if ((address & (bytes - 1)) != 0) { throw Fault(warp, i, lane, $"address 0x{address:x} is not on {bytes} bytes", KernelFault.Misaligned); }
        ulong at = (ulong)(address - DeviceHeap.Base);
        if (at >= (ulong)DeviceHeap.Size) { throw Fault(warp, i, lane, $"0x{address:x} is no device memory", KernelFault.IllegalAddress); }
        byte* state = DeviceHeap.State + at;
        uint marks = writes && !isAtomic ? 0x02020202u : 0;
        bool isRight = bytes switch
        {
            4 => (*(uint*)state | marks) == _written4,
            8 => (*(ulong*)state | ((ulong)marks << 32 | marks)) == _written8,
            16 => ((*(ulong*)state | ((ulong)marks << 32 | marks)) == _written8) && ((((ulong*)state)[1] | ((ulong)marks << 32 | marks)) == _written8),
            2 => (*(ushort*)state | (ushort)marks) == (ushort)_written4,
            _ => (*state | (byte)marks) == (byte)_written4,
        };
        if (!isRight) { throw Fault(warp, i, lane, DeviceHeap.Refusal(address, bytes, _owner, !writes || isAtomic) ?? "?", KernelFault.IllegalAddress); }
        if (bytes >= 4 && !isAtomic)
        {
            uint me = ((uint)_interval << ThreadBits) | (uint)((warp.Number * 32) + lane);
            for (ulong word = at >> 2, end = (at + (ulong)bytes) >> 2; word < end; word++)
            {
                uint wrote = s_wrote[word], read = s_read[word];
                if (wrote > _firstBlock && wrote != _thisBlock && !Follows(wrote)) { throw Race(warp, i, lane, address, wrote, writes ? "also written" : "written", "global"); }
                if (wrote == _thisBlock && IsOther(s_writing[word], me)) { throw Race(warp, i, lane, address, s_writing[word], writes ? "also written" : "written", "global", isThread: true); }
                if (writes)
                {
                    if (read == _thisBlock && IsOther(s_reading[word], me)) { throw Race(warp, i, lane, address, s_reading[word], "read", "global", isThread: true); }
                    if (read >= _firstBlock && read != _thisBlock && !Follows(read)) { throw Race(warp, i, lane, address, read, "read", "global"); }
                    (s_wrote[word], s_writing[word]) = (_thisBlock, me);
                }
                else if (read != _thisBlock) { (s_read[word], s_reading[word]) = (read >= _firstBlock && !Follows(read) ? _firstBlock : _thisBlock, me); }
                else { s_reading[word] = IsOther(s_reading[word], me) ? me | (uint)Several : me; }
            }
        }
        if (writes)
        {
            switch (bytes)
            {
                case 4: *(uint*)state = _written4; break;
                case 8: *(ulong*)state = _written8; break;
                case 16: (((ulong*)state)[0], ((ulong*)state)[1]) = (_written8, _written8); break;
                case 2: *(ushort*)state = (ushort)_written4; break;
                default: *state = (byte)_written4; break;
            }
        }
        return DeviceHeap.Data + at;
    }

    // another thread between the same barriers
    private static bool IsOther(uint one, uint me) => one != me && one >> ThreadBits == me >> ThreadBits;

    private KernelFault Race(Warp warp, Instruction i, int lane, long address, ulong other, string did, string memory, bool isThread = false)
    {
        string who = isThread
            ? (other & Several) == Several ? "several threads" : $"thread {other & Several}"
            : other == _firstBlock ? "several blocks" : $"the block with number {_grid?.BlockOf((uint)other) ?? (uint)other - _firstBlock - 1}";
        return Fault(warp, i, lane, $"{memory} address 0x{address:x} is {did} by {who}, {(isThread ? "with no barrier between" : "in any order")}");
    }

    private void BeginShared()
    {
        nuint words = (nuint)((_sharedBytes / 4) + 4);
        _shared = (byte*)NativeMemory.AllocZeroed(words * 4);
        _sharedWrote = (ulong*)NativeMemory.AllocZeroed(words * 8);
        _sharedRead = (ulong*)NativeMemory.AllocZeroed(words * 8);
    }

    private void FreeShared()
    {
        NativeMemory.Free(_shared);
        NativeMemory.Free(_sharedWrote);
        NativeMemory.Free(_sharedRead);
    }

    /// <summary>A number that no block has.</summary>
    public static uint NewNumber() => Interlocked.Increment(ref s_blocks);

    // the first number of a launch stands for "several of its blocks"
    private void BeginGlobal()
    {
        _fenced = new uint[_warps.Length * 32];
        byte state = (byte)(DeviceHeap.StateOf(_owner) | DeviceHeap.Written);
        _written4 = state * 0x01010101u;
        _written8 = ((ulong)_written4 << 32) | _written4;
        if (_grid is not null)
        {
            _firstBlock = _grid.First;
            return;
        }
        uint blocks = (uint)(_launch.Grid.X * _launch.Grid.Y * _launch.Grid.Z) + 1;
        _thisBlock = _firstBlock = Interlocked.Add(ref s_blocks, blocks) - blocks;
    }

    private void NewBlock()
    {
        _firstInterval = ++_interval;
        if (_grid is null) { _thisBlock++; }
        else
        {
            _me = (((_z * _launch.Grid.Y) + _y) * _launch.Grid.X) + _x;
            (_seen, _heard) = (new uint[_grid.Blocks], new uint[_grid.Blocks]);
            NewStretch();
        }
    }

    private void NewInterval()
    {
        _interval++;
        if (_grid is not null) { NewStretch(); }
    }

}
