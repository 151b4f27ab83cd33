namespace DeepEdu.Data;

/// <summary>What <c>Io.AtomicFile</c> does, for what lies on this floor.</summary>
internal static class WholeFile
{
    /// <summary>Writes a file as a whole or not at all.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        // a name that is always the same: what a killed process left behind is written over by the next one
        string temporary = path + ".tmp";
        bool mine = false;
        try
        {
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                mine = true;
                write(file);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e)
        {
            if (mine) { Remove(temporary); }
            if (e is not (IOException or UnauthorizedAccessException)) { throw; }
            throw new IOException($"save: {path} was not written{(File.Exists(path) ? ", and is as it was before" : "")}: {e.Message}", e);
        }
        FlushName(path);
    }

    // .NET opens no folders, and so cannot flush one; but journalling file systems put a file's new name on the disk with the file
    private static void FlushName(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            RandomAccess.FlushToDisk(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { } // the file is written and renamed; another process may be holding it already
    }

    private static void Remove(string temporary)
    {
        try { File.Delete(temporary); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { } // the first error is the one to tell
    }
}
