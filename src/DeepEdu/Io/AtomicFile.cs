using DeepEdu.Data;

namespace DeepEdu.Io;

/// <summary>Writes a file as a whole or not at all: whoever opens the path, at any moment and after any failure, finds the file as it was before or as it is afterwards.
/// It is written under the name with ".tmp" added, in the same folder, flushed to the disk, and renamed.</summary>
public static class AtomicFile
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">Where it shall stand; the folder must exist.</param>
    /// <param name="write">Writes its content.</param>
    /// <exception cref="IOException">It could not be written: the disk is full, the folder is missing or must not be written to, another process is writing the same file. What stood there
    /// before still does.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        WholeFile.Write(path, write);
    }
}
