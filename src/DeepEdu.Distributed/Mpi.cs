using System.Globalization;
using System.Runtime.InteropServices;
using DeepEdu.Collectives;

namespace DeepEdu.Distributed;

/// <summary>The few calls of MPI that an exchange needs: of Open MPI, whose handles are addresses of its variables, and of MPICH and its family, whose handles are numbers.</summary>
internal sealed unsafe class Mpi
{
    private static readonly string[] s_open = ["libmpi.so.40"], s_mpich = ["libmpich.so.12", "libmpi.so.12"], s_others = ["libmpi.so", "libmpi.dylib", "msmpi.dll"];

    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, int, int, nint, nint*, int> _send, _receive;
    private readonly delegate* unmanaged[Cdecl]<nint*, int*, void*, int> _test;
    private readonly delegate* unmanaged[Cdecl]<int> _finalize;
    private readonly nint _world, _byte;

    public Mpi()
    {
        nint library = Load();
        bool open = NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _world);
        if (open) { _byte = NativeLibrary.GetExport(library, "ompi_mpi_byte"); }
        else { (_world, _byte) = (0x44000000, 0x4c00010d); }
        _send = (delegate* unmanaged[Cdecl]<void*, int, nint, int, int, nint, nint*, int>)NativeLibrary.GetExport(library, "MPI_Isend");
        _receive = (delegate* unmanaged[Cdecl]<void*, int, nint, int, int, nint, nint*, int>)NativeLibrary.GetExport(library, "MPI_Irecv");
        _test = (delegate* unmanaged[Cdecl]<nint*, int*, void*, int>)NativeLibrary.GetExport(library, "MPI_Test");
        _finalize = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "MPI_Finalize");
        int began, given, rank, size;
        Check(((delegate* unmanaged[Cdecl]<int*, int>)NativeLibrary.GetExport(library, "MPI_Initialized"))(&began));
        if (began != 0) { throw new InvalidOperationException("mpi-group: MPI runs in this process already; a process joins it once"); }
        Check(((delegate* unmanaged[Cdecl]<int*, void*, int, int*, int>)NativeLibrary.GetExport(library, "MPI_Init_thread"))(null, null, 2, &given)); // serialized: one thread at a time
        if (given < 2) { throw new NotSupportedException($"mpi-group: this MPI lets only the program's first thread call it (level {given}); MPI_THREAD_SERIALIZED is needed"); }
        Check(((delegate* unmanaged[Cdecl]<nint, int*, int>)NativeLibrary.GetExport(library, "MPI_Comm_rank"))(_world, &rank));
        Check(((delegate* unmanaged[Cdecl]<nint, int*, int>)NativeLibrary.GetExport(library, "MPI_Comm_size"))(_world, &size));
        (Rank, Size) = (rank, size);
        if (Launched is { } launched && launched != size) { throw new CollectiveException($"mpi-group: the launcher speaks of {launched} processes and the MPI library of {size}: it is not the launcher's own. Name that in DEEPEDU_MPI, or use the launcher that belongs to it"); }
    }

    /// <summary>How many processes the launcher has started: Open MPI's; or MPICH's, Intel MPI's or Slurm's. Null without one.</summary>
    public static int? Launched => Number("OMPI_COMM_WORLD_SIZE") ?? Number("PMI_SIZE");

    public int Rank { get; }

    public int Size { get; }

    public void Send(void* bytes, int length, int to, int tag, nint* request) => Check(_send(bytes, length, _byte, to, tag, _world, request));

    public void Receive(void* bytes, int length, int from, int tag, nint* request) => Check(_receive(bytes, length, _byte, from, tag, _world, request));

    public bool IsDone(nint* request)
    {
        int done;
        byte* status = stackalloc byte[64]; // 20 to 24 of them are used
        Check(_test(request, &done, status));
        return done != 0;
    }

    public void Finish() => Check(_finalize());

    // where both are installed, the launcher's own
    private static nint Load()
    {
        if (Environment.GetEnvironmentVariable("DEEPEDU_MPI") is { Length: > 0 } named)
        {
            return NativeLibrary.TryLoad(named, out nint library) ? library : throw new DllNotFoundException($"mpi-group: {named}, which DEEPEDU_MPI names, could not be loaded");
        }
        string[] names = Number("OMPI_COMM_WORLD_SIZE") is null ? [.. s_mpich, .. s_open, .. s_others] : [.. s_open, .. s_mpich, .. s_others];
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint library)) { return library; }
        }
        throw new DllNotFoundException($"mpi-group: no MPI library was found ({string.Join(", ", names)}); install Open MPI or MPICH, name the library in DEEPEDU_MPI, or use TCP (TcpGroup)");
    }

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : null;

    private static void Check(int code)
    {
        if (code != 0) { throw new CollectiveException($"mpi-group: MPI returned error {code}"); }
    }
}
