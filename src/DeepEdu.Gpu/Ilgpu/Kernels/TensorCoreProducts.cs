using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu.Kernels;

/// <summary>Products in a GPU's tensor cores. The sums are PTX registers with names of their own, because what inline PTX gives back to ILGPU passes through memory. ILGPU ends no instruction itself.</summary>
internal struct TensorCoreProducts<W> : IWarpProducts where W : struct, IWord
{
    private const string Tf32 = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 ", BFloat16 = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 ", Factors = ", {%0,%1,%2,%3}, {%4,%5}, ";

    private const string C00 = "{acc0,acc1,acc2,acc3}";
    private const string C01 = "{acc4,acc5,acc6,acc7}";
    private const string C02 = "{acc8,acc9,acc10,acc11}";
    private const string C03 = "{acc12,acc13,acc14,acc15}";
    private const string C10 = "{acc16,acc17,acc18,acc19}";
    private const string C11 = "{acc20,acc21,acc22,acc23}";
    private const string C12 = "{acc24,acc25,acc26,acc27}";
    private const string C13 = "{acc28,acc29,acc30,acc31}";
    private const string C20 = "{acc32,acc33,acc34,acc35}";
    private const string C21 = "{acc36,acc37,acc38,acc39}";
    private const string C22 = "{acc40,acc41,acc42,acc43}";
    private const string C23 = "{acc44,acc45,acc46,acc47}";
    private const string C30 = "{acc48,acc49,acc50,acc51}";
    private const string C31 = "{acc52,acc53,acc54,acc55}";
    private const string C32 = "{acc56,acc57,acc58,acc59}";
    private const string C33 = "{acc60,acc61,acc62,acc63}";

    public readonly void Begin()
    {
        CudaAsm.Emit(".reg .f32 acc<64>, out<4>; .reg .b32 inside; .reg .pred store, cut, relu;");
        CudaAsm.Emit("mov.f32 acc0, 0f00000000; mov.f32 acc1, 0f00000000; mov.f32 acc2, 0f00000000; mov.f32 acc3, 0f00000000; mov.f32 acc4, 0f00000000; mov.f32 acc5, 0f00000000; mov.f32 acc6, 0f00000000; mov.f32 acc7, 0f00000000; mov.f32 acc8, 0f00000000; mov.f32 acc9, 0f00000000; mov.f32 acc10, 0f00000000; mov.f32 acc11, 0f00000000; mov.f32 acc12, 0f00000000; mov.f32 acc13, 0f00000000; mov.f32 acc14, 0f00000000; mov.f32 acc15, 0f00000000;");
        CudaAsm.Emit("mov.f32 acc16, 0f00000000; mov.f32 acc17, 0f00000000; mov.f32 acc18, 0f00000000; mov.f32 acc19, 0f00000000; mov.f32 acc20, 0f00000000; mov.f32 acc21, 0f00000000; mov.f32 acc22, 0f00000000; mov.f32 acc23, 0f00000000; mov.f32 acc24, 0f00000000; mov.f32 acc25, 0f00000000; mov.f32 acc26, 0f00000000; mov.f32 acc27, 0f00000000; mov.f32 acc28, 0f00000000; mov.f32 acc29, 0f00000000; mov.f32 acc30, 0f00000000; mov.f32 acc31, 0f00000000;");
        CudaAsm.Emit("mov.f32 acc32, 0f00000000; mov.f32 acc33, 0f00000000; mov.f32 acc34, 0f00000000; mov.f32 acc35, 0f00000000; mov.f32 acc36, 0f00000000; mov.f32 acc37, 0f00000000; mov.f32 acc38, 0f00000000; mov.f32 acc39, 0f00000000; mov.f32 acc40, 0f00000000; mov.f32 acc41, 0f00000000; mov.f32 acc42, 0f00000000; mov.f32 acc43, 0f00000000; mov.f32 acc44, 0f00000000; mov.f32 acc45, 0f00000000; mov.f32 acc46, 0f00000000; mov.f32 acc47, 0f00000000;");
        CudaAsm.Emit("mov.f32 acc48, 0f00000000; mov.f32 acc49, 0f00000000; mov.f32 acc50, 0f00000000; mov.f32 acc51, 0f00000000; mov.f32 acc52, 0f00000000; mov.f32 acc53, 0f00000000; mov.f32 acc54, 0f00000000; mov.f32 acc55, 0f00000000; mov.f32 acc56, 0f00000000; mov.f32 acc57, 0f00000000; mov.f32 acc58, 0f00000000; mov.f32 acc59, 0f00000000; mov.f32 acc60, 0f00000000; mov.f32 acc61, 0f00000000; mov.f32 acc62, 0f00000000; mov.f32 acc63, 0f00000000;");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Add0(RowFragment a, ColumnFragments b)
    {
        if (W.Values == 1)
        {
            CudaAsm.Emit(Tf32 + C00 + Factors + C00 + ";", a.R0, a.R1, a.R2, a.R3, b.X0, b.Y0);
            CudaAsm.Emit(Tf32 + C01 + Factors + C01 + ";", a.R0, a.R1, a.R2, a.R3, b.X1, b.Y1);
            CudaAsm.Emit(Tf32 + C02 + Factors + C02 + ";", a.R0, a.R1, a.R2, a.R3, b.X2, b.Y2);
            CudaAsm.Emit(Tf32 + C03 + Factors + C03 + ";", a.R0, a.R1, a.R2, a.R3, b.X3, b.Y3);
        }
        else
        {
            CudaAsm.Emit(BFloat16 + C00 + Factors + C00 + ";", a.R0, a.R1, a.R2, a.R3, b.X0, b.Y0);
            CudaAsm.Emit(BFloat16 + C01 + Factors + C01 + ";", a.R0, a.R1, a.R2, a.R3, b.X1, b.Y1);
            CudaAsm.Emit(BFloat16 + C02 + Factors + C02 + ";", a.R0, a.R1, a.R2, a.R3, b.X2, b.Y2);
            CudaAsm.Emit(BFloat16 + C03 + Factors + C03 + ";", a.R0, a.R1, a.R2, a.R3, b.X3, b.Y3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Add1(RowFragment a, ColumnFragments b)
    {
        if (W.Values == 1)
        {
            CudaAsm.Emit(Tf32 + C10 + Factors + C10 + ";", a.R0, a.R1, a.R2, a.R3, b.X0, b.Y0);
            CudaAsm.Emit(Tf32 + C11 + Factors + C11 + ";", a.R0, a.R1, a.R2, a.R3, b.X1, b.Y1);
            CudaAsm.Emit(Tf32 + C12 + Factors + C12 + ";", a.R0, a.R1, a.R2, a.R3, b.X2, b.Y2);
            CudaAsm.Emit(Tf32 + C13 + Factors + C13 + ";", a.R0, a.R1, a.R2, a.R3, b.X3, b.Y3);
        }
        else
        {
            CudaAsm.Emit(BFloat16 + C10 + Factors + C10 + ";", a.R0, a.R1, a.R2, a.R3, b.X0, b.Y0);
            CudaAsm.Emit(BFloat16 + C11 + Factors + C11 + ";", a.R0, a.R1, a.R2, a.R3, b.X1, b.Y1);
            CudaAsm.Emit(BFloat16 + C12 + Factors + C12 + ";", a.R0, a.R1, a.R2, a.R3, b.X2, b.Y2);
            CudaAsm.Emit(BFloat16 + C13 + Factors + C13 + ";", a.R0, a.R1, a.R2, a.R3, b.X3, b.Y3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Add2(RowFragment a, ColumnFragments b)
    {
        if (W.Values == 1)
        {
            CudaAsm.Emit(Tf32 + C20 + Factors + C20 + ";", a.R0, a.R1, a.R2, a.R3, b.X0, b.Y0);
            CudaAsm.Emit(Tf32 + C21 + Factors + C21 + ";", a.R0, a.R1, a.R2, a.R3, b.X1, b.Y1);
            CudaAsm.Emit(Tf32 + C22 + Factors + C22 + ";", a.R0, a.R1, a.R2, a.R3, b.X2, b.Y2);
            CudaAsm.Emit(Tf32 + C23 + Factors + C23 + ";", a.R0, a.R1, a.R2, a.R3, b.X3, b.Y3);
        }
        else
        {
            CudaAsm.Emit(BFloat16 + C20 + Factors + C20 + ";", a.R0, a.R1, a.R2, a.R3, b.X0, b.Y0);
            CudaAsm.Emit(BFloat16 + C21 + Factors + C21 + ";", a.R0, a.R1, a.R2, a.R3, b.X1, b.Y1);
            CudaAsm.Emit(BFloat16 + C22 + Factors + C22 + ";", a.R0, a.R1, a.R2, a.R3, b.X2, b.Y2);
            CudaAsm.Emit(BFloat16 + C23 + Factors + C23 + ";", a.R0, a.R1, a.R2, a.R3, b.X3, b.Y3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Add3(RowFragment a, ColumnFragments b)
    {
        if (W.Values == 1)
        {
            CudaAsm.Emit(Tf32 + C30 + Factors + C30 + ";", a.R0, a.R1, a.R2, a.R3, b.X0, b.Y0);
            CudaAsm.Emit(Tf32 + C31 + Factors + C31 + ";", a.R0, a.R1, a.R2, a.R3, b.X1, b.Y1);
            CudaAsm.Emit(Tf32 + C32 + Factors + C32 + ";", a.R0, a.R1, a.R2, a.R3, b.X2, b.Y2);
            CudaAsm.Emit(Tf32 + C33 + Factors + C33 + ";", a.R0, a.R1, a.R2, a.R3, b.X3, b.Y3);
        }
        else
        {
            CudaAsm.Emit(BFloat16 + C30 + Factors + C30 + ";", a.R0, a.R1, a.R2, a.R3, b.X0, b.Y0);
            CudaAsm.Emit(BFloat16 + C31 + Factors + C31 + ";", a.R0, a.R1, a.R2, a.R3, b.X1, b.Y1);
            CudaAsm.Emit(BFloat16 + C32 + Factors + C32 + ";", a.R0, a.R1, a.R2, a.R3, b.X2, b.Y2);
            CudaAsm.Emit(BFloat16 + C33 + Factors + C33 + ";", a.R0, a.R1, a.R2, a.R3, b.X3, b.Y3);
        }
    }

    public readonly void Store<E>(E end, int row, int column) where E : struct, ITensorEnd
    {
        CudaAsm.Emit("mov.f32 out0, acc0; mov.f32 out1, acc1; mov.f32 out2, acc2; mov.f32 out3, acc3;");
        end.PutRegisters(row, column);
        CudaAsm.Emit("mov.f32 out0, acc4; mov.f32 out1, acc5; mov.f32 out2, acc6; mov.f32 out3, acc7;");
        end.PutRegisters(row, column + 8);
        CudaAsm.Emit("mov.f32 out0, acc8; mov.f32 out1, acc9; mov.f32 out2, acc10; mov.f32 out3, acc11;");
        end.PutRegisters(row, column + 16);
        CudaAsm.Emit("mov.f32 out0, acc12; mov.f32 out1, acc13; mov.f32 out2, acc14; mov.f32 out3, acc15;");
        end.PutRegisters(row, column + 24);
        CudaAsm.Emit("mov.f32 out0, acc16; mov.f32 out1, acc17; mov.f32 out2, acc18; mov.f32 out3, acc19;");
        end.PutRegisters(row + 16, column);
        CudaAsm.Emit("mov.f32 out0, acc20; mov.f32 out1, acc21; mov.f32 out2, acc22; mov.f32 out3, acc23;");
        end.PutRegisters(row + 16, column + 8);
        CudaAsm.Emit("mov.f32 out0, acc24; mov.f32 out1, acc25; mov.f32 out2, acc26; mov.f32 out3, acc27;");
        end.PutRegisters(row + 16, column + 16);
        CudaAsm.Emit("mov.f32 out0, acc28; mov.f32 out1, acc29; mov.f32 out2, acc30; mov.f32 out3, acc31;");
        end.PutRegisters(row + 16, column + 24);
        CudaAsm.Emit("mov.f32 out0, acc32; mov.f32 out1, acc33; mov.f32 out2, acc34; mov.f32 out3, acc35;");
        end.PutRegisters(row + 32, column);
        CudaAsm.Emit("mov.f32 out0, acc36; mov.f32 out1, acc37; mov.f32 out2, acc38; mov.f32 out3, acc39;");
        end.PutRegisters(row + 32, column + 8);
        CudaAsm.Emit("mov.f32 out0, acc40; mov.f32 out1, acc41; mov.f32 out2, acc42; mov.f32 out3, acc43;");
        end.PutRegisters(row + 32, column + 16);
        CudaAsm.Emit("mov.f32 out0, acc44; mov.f32 out1, acc45; mov.f32 out2, acc46; mov.f32 out3, acc47;");
        end.PutRegisters(row + 32, column + 24);
        CudaAsm.Emit("mov.f32 out0, acc48; mov.f32 out1, acc49; mov.f32 out2, acc50; mov.f32 out3, acc51;");
        end.PutRegisters(row + 48, column);
        CudaAsm.Emit("mov.f32 out0, acc52; mov.f32 out1, acc53; mov.f32 out2, acc54; mov.f32 out3, acc55;");
        end.PutRegisters(row + 48, column + 8);
        CudaAsm.Emit("mov.f32 out0, acc56; mov.f32 out1, acc57; mov.f32 out2, acc58; mov.f32 out3, acc59;");
        end.PutRegisters(row + 48, column + 16);
        CudaAsm.Emit("mov.f32 out0, acc60; mov.f32 out1, acc61; mov.f32 out2, acc62; mov.f32 out3, acc63;");
        end.PutRegisters(row + 48, column + 24);
    }
}
