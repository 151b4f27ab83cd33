using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using DeepEdu.Collectives;

namespace DeepEdu.Distributed;

/// <summary>Processes that mpirun, mpiexec or srun has started, over MPI: by whatever network it knows. Open MPI and MPICH, found on the system when it is asked for. Sums are not MPI's, whose order may change, but this library's: only messages are.
/// <code>
/// using var group = MpiGroup.Join(); // mpirun -n 4 dotnet train.dll
/// </code></summary>
public sealed unsafe class MpiGroup : ICollective
{
    private const int Head = 320, HeadTag = 7401, ContentTag = 7402;
    private readonly Mpi _mpi;
    private readonly TimeSpan _timeout;
    private readonly byte* _memory;
    private readonly byte[][] _content;
    private readonly MemoryHandle[] _pinned;
    private string? _aborted;
    private int _exchanges;
    private bool _failed, _disposed;

    private MpiGroup(Mpi mpi, TimeSpan timeout)
    {
        (_mpi, _timeout) = (mpi, timeout);
        // a header out, a header in, and four requests for each rank
        _memory = (byte*)NativeMemory.AllocZeroed((nuint)Size, (2 * Head) + (4 * (nuint)sizeof(nint)));
        (_content, _pinned) = (new byte[Size][], new MemoryHandle[Size]);
        Array.Fill(_content, []);
    }

    /// <summary>Whether an MPI launcher has started this process.</summary>
    public static bool IsLaunched => Mpi.Launched is not null;

    /// <inheritdoc/>
    public int Rank => _mpi.Rank;

    /// <inheritdoc/>
    public int Size => _mpi.Size;

    /// <summary>Joins the processes of the launcher; once in a process. By itself, without a launcher, it is a group of one.</summary>
    /// <param name="timeout">How long a rank may be silent while others wait for it; 5 minutes if null. Of a process that dies, the launcher ends the others.</param>
    /// <exception cref="DllNotFoundException">There is no MPI on this system, or not the one that the variable DEEPEDU_MPI names.</exception>
    /// <exception cref="CollectiveException">The library is of another MPI than the launcher.</exception>
    /// <exception cref="InvalidOperationException">This process has joined before.</exception>
    public static MpiGroup Join(TimeSpan? timeout = null) => new(new(), timeout ?? TimeSpan.FromMinutes(5));

    /// <inheritdoc/>
    public void Exchange(string what, ReadOnlySpan<ReadOnlyMemory<byte>> to, Span<Memory<byte>> from)
    {
        ArgumentException.ThrowIfNullOrEmpty(what);
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNotEqual(to.Length, Size);
        ArgumentOutOfRangeException.ThrowIfNotEqual(from.Length, Size);
        if (_failed) { throw new CollectiveException($"{what}: the group was given up{(_aborted is null ? "" : $": {_aborted}")}", Rank); }
        _failed = true; // until it has gone well: what MPI still writes to stays pinned then
        int number = _exchanges++;
        for (int i = 1; i < Size; i++)
        {
            int r = (Rank + i) % Size;
            Write(r, -1, number, what, to[r].Length);
            _mpi.Send(Out(r), Head, r, HeadTag, Request(r, 0));
            if (to[r].Length > 0)
            {
                _pinned[r] = to[r].Pin();
                _mpi.Send(_pinned[r].Pointer, to[r].Length, r, ContentTag, Request(r, 1));
            }
            _mpi.Receive(In(r), Head, r, HeadTag, Request(r, 2));
        }
        for (int i = 1; i < Size; i++)
        {
            int r = (Rank - i + Size) % Size;
            Wait(r, 2, what);
            int length = Read(r, number, what);
            if (_content[r].Length < length) { _content[r] = GC.AllocateUninitializedArray<byte>(length, pinned: true); }
            if (length > 0) { _mpi.Receive((void*)Marshal.UnsafeAddrOfPinnedArrayElement(_content[r], 0), length, r, ContentTag, Request(r, 3)); }
            from[r] = _content[r].AsMemory(0, length);
        }
        for (int i = 1; i < Size; i++)
        {
            int r = (Rank + i) % Size;
            if (from[r].Length > 0) { Wait(r, 3, what); }
            Wait(r, 0, what);
            if (to[r].Length > 0)
            {
                Wait(r, 1, what);
                _pinned[r].Dispose();
            }
        }
        if (_content[Rank].Length < to[Rank].Length) { _content[Rank] = GC.AllocateUninitializedArray<byte>(to[Rank].Length, pinned: true); }
        to[Rank].CopyTo(_content[Rank]);
        from[Rank] = _content[Rank].AsMemory(0, to[Rank].Length);
        _failed = false;
    }

    /// <inheritdoc/>
    public void Abort(string why, int rank = -1)
    {
        if (_disposed || _aborted is not null) { return; }
        (_aborted, _failed) = (why ?? "", true);
        for (int r = 0; r < Size; r++)
        {
            if (r == Rank) { continue; }
            // in memory of its own, as another header may still be on its way
            byte* last = (byte*)NativeMemory.AllocZeroed(Head + (nuint)sizeof(nint));
            Write(last, rank < 0 ? Rank : rank, 0, _aborted, 0);
            _mpi.Send(last, Head, r, HeadTag, (nint*)(last + Head));
        }
    }

    /// <summary>Leaves MPI, when all others do so too. After a failure the launcher learns of it from the end of the process.</summary>
    public void Dispose()
    {
        if (_disposed) { return; }
        _disposed = true;
        if (_failed) { return; }
        _mpi.Finish();
        NativeMemory.Free(_memory);
    }

    private byte* Out(int rank) => _memory + (rank * Head);

    private byte* In(int rank) => _memory + ((Size + rank) * Head);

    private nint* Request(int rank, int which) => (nint*)(_memory + (2 * Size * Head)) + (4 * rank) + which;

    private void Write(int rank, int culprit, int number, string what, int length) => Write(Out(rank), culprit, number, what, length);

    // culprit or −1, number, bytes of the content, bytes of the text
    private static void Write(byte* at, int culprit, int number, string what, int length)
    {
        var head = new Span<byte>(at, Head);
        int text = Encoding.UTF8.GetBytes(what.AsSpan(0, Math.Min(what.Length, 100)), head[16..]);
        BinaryPrimitives.WriteInt32LittleEndian(head, culprit);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], number);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], length);
        BinaryPrimitives.WriteInt32LittleEndian(head[12..], text);
    }

    private int Read(int rank, int number, string what)
    {
        var head = new ReadOnlySpan<byte>(In(rank), Head);
        int culprit = BinaryPrimitives.ReadInt32LittleEndian(head), theirs = BinaryPrimitives.ReadInt32LittleEndian(head[4..]);
        string about = Encoding.UTF8.GetString(head.Slice(16, BinaryPrimitives.ReadInt32LittleEndian(head[12..])));
        if (culprit >= 0) { throw new CollectiveException($"{what}: {(culprit == rank ? $"rank {rank} gave up: " : "")}{about}", culprit); }
        if (about != what[..Math.Min(what.Length, 100)] || theirs != number)
        {
            throw new CollectiveException($"rank {rank} is at \"{about}\" (exchange {theirs}) where \"{what}\" (exchange {number}) is due: every rank must do the same, in the same order", rank);
        }
        return BinaryPrimitives.ReadInt32LittleEndian(head[8..]);
    }

    private void Wait(int rank, int which, string what)
    {
        long start = Stopwatch.GetTimestamp();
        for (int tries = 1; !_mpi.IsDone(Request(rank, which)); tries++)
        {
            if (tries % 64 != 0) { continue; }
            Thread.Yield();
            if (Stopwatch.GetElapsedTime(start) > _timeout) { throw new CollectiveException($"{what}: rank {rank} was silent for {_timeout.TotalSeconds:0.###} s; if it was only slow, give a longer timeout", rank); }
        }
    }
}
