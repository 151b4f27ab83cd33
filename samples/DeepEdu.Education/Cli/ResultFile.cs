using System.Text;
using DeepEdu.Education.Data;
using DeepEdu.Io;

namespace DeepEdu.Education.Cli;

/// <summary>A file for what a run found. What cannot be written is said before hours of training, not after. A regular file is written as a whole or not at all; a pipe is opened once and stays open until the results are there,
/// for who reads it would take the first closing for the end; <c>/dev/stdout</c> is the program's own output, and other devices are written as they are.</summary>
internal sealed class ResultFile : IDisposable
{
    private const string Output = "/dev/stdout";
    private readonly string _path;
    private readonly bool _inPlace;
    private readonly FileStream? _pipe;

    public ResultFile(string path)
    {
        if (Directory.Exists(path)) { throw new DataException($"{path}: is a folder; give a file."); }
        _path = path;
        if (path == Output) { return; }
        string full = Path.GetFullPath(path);
        _inPlace = full.StartsWith("/dev/", StringComparison.Ordinal) || full.StartsWith("/proc/", StringComparison.Ordinal);
        try
        {
            // a link stays one, and what it leads to is written
            if (!_inPlace && new FileInfo(path).LinkTarget is not null && File.ResolveLinkTarget(path, returnFinalTarget: true) is { } target) { _path = target.FullName; }
            bool isNew = !File.Exists(_path);
            FileStream file = new(_path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
            if (file.CanSeek) { file.Dispose(); } else { _pipe = file; }
            if (isNew) { File.Delete(_path); }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new DataException($"{path}: cannot be written: {e.Message}"); }
    }

    public void Write(byte[] text, TextWriter output)
    {
        if (_path == Output) { output.Write(Encoding.UTF8.GetString(text)); }
        else if (_pipe is not null)
        {
            _pipe.Write(text);
            _pipe.Flush();
        }
        else if (_inPlace) { File.WriteAllBytes(_path, text); }
        else
        {
            try { AtomicFile.Write(_path, stream => stream.Write(text)); }
            // the file may be written, but none beside it, or none put in its place; the results are worth more than how they come to be there
            catch (IOException) when (File.Exists(_path)) { File.WriteAllBytes(_path, text); }
        }
    }

    public void Dispose() => _pipe?.Dispose();
}
